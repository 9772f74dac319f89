/*
 * parser/build_statement.c - statements other than queries for the grammar's actions.
 * Must not know what any name means.
 */
#include "parser/build.h"

#include <string.h>

#include "parser/print.h"

/* ---- CREATE STREAM | SOURCE | TABLE ------------------------------------------------------ */

MrTableHead *mr_build_table_head(MrParse *parse)
{
    MrTableHead *head = mr_build_node(parse, sizeof *head, MR_AST_INVALID, -1);
    memset(head, 0, sizeof *head);
    head->watermark_position = -1;
    return head;
}

void mr_build_table_element(MrParse *parse, MrTableHead *head, MrNode *element)
{
    const MrAstAssignment *watermark = MR_AST_AS(const MrAstAssignment, element);
    if (element->kind == MR_AST_COLUMN_DEF) {
        head->columns = mr_list_add(parse, head->columns, element);
    } else if (element->kind == MR_AST_CONSTRAINT) {
        head->constraints = mr_list_add(parse, head->constraints, element);
    } else if (head->watermark != NULL) {
        mr_build_fail(parse, MR_ERR_SYNTAX, element->position,
                      "multiple WATERMARK clauses not allowed");
    } else if (watermark->columns.count == 1) {
        head->watermark_column = watermark->columns.items[0];
        head->watermark_position = element->position;
        head->watermark = watermark->value;
    }
}

MrNode *mr_build_format(MrParse *parse, int32_t position, const char *format, const char *encode,
                        MrNodeList options)
{
    MrAstCreateStream *carrier = MK(parse, MrAstCreateStream, CREATE_STREAM, position);
    carrier->format = format;
    carrier->encode = encode;
    carrier->encode_options = options;
    return &carrier->base;
}

MrNode *mr_build_create_stream(MrParse *parse, MrObjectKind object, MrName name, MrTableHead *head,
                               MrNode *format, MrNodeList options, MrNode *format_after,
                               int32_t position)
{
    MrAstCreateStream *stream = MK(parse, MrAstCreateStream, CREATE_STREAM, position);
    stream->object = object;
    stream->name = name;
    stream->columns = head->columns;
    stream->constraints = head->constraints;
    stream->watermark_column = head->watermark_column;
    stream->watermark_position = head->watermark_position;
    stream->watermark = head->watermark;
    stream->options = options;
    if (format != NULL && format_after != NULL) {
        mr_build_fail(parse, MR_ERR_SYNTAX, format_after->position,
                      "multiple FORMAT clauses not allowed");
    }
    const MrAstCreateStream *carrier =
        MR_AST_AS(const MrAstCreateStream, format != NULL ? format : format_after);
    if (carrier != NULL) {
        stream->format = carrier->format;
        stream->encode = carrier->encode;
        stream->encode_options = carrier->encode_options;
    }
    return &stream->base;
}

void mr_build_column_part(MrParse *parse, MrAstColumnDef *column, MrNode *part)
{
    if (part->kind == MR_AST_CONSTRAINT) {
        column->constraints = mr_list_add(parse, column->constraints, part);
        return;
    }
    const MrAstColumnDef *more = MR_AST_AS(const MrAstColumnDef, part);
    column->not_null = column->not_null || more->not_null;
    if ((more->default_value != NULL && column->default_value != NULL) ||
        (more->generated != NULL && column->generated != NULL)) {
        mr_build_fail(parse, MR_ERR_SYNTAX, part->position,
                      "multiple default values specified for a column");
    }
    if ((more->default_value != NULL && column->generated != NULL) ||
        (more->generated != NULL && column->default_value != NULL)) {
        mr_build_fail(parse, MR_ERR_SYNTAX, part->position,
                      "both default and generation expression specified for a column");
    }
    if (more->collation != NULL && column->collation != NULL) {
        mr_build_fail(parse, MR_ERR_SYNTAX, part->position, "multiple COLLATE clauses not allowed");
    }
    column->default_value =
        more->default_value != NULL ? more->default_value : column->default_value;
    column->generated = more->generated != NULL ? more->generated : column->generated;
    column->collation = more->collation != NULL ? more->collation : column->collation;
}

MrNode *mr_build_constraint(MrParse *parse, MrConstraintKind kind, MrNameList columns,
                            MrToken token)
{
    MrAstConstraint *constraint = MK(parse, MrAstConstraint, CONSTRAINT, token.position);
    constraint->constraint = kind;
    constraint->columns = columns;
    return &constraint->base;
}

/* ---- Views, functions, ALTER, COMMENT ---------------------------------------------------- */

MrNode *mr_build_emit(MrParse *parse, MrEmitKind kind, MrNode *interval, MrToken token)
{
    MrAstCreateView *carrier = MK(parse, MrAstCreateView, CREATE_VIEW, token.position);
    int32_t end = token.position;
    while (end > 0 && mr_build_skip_space(parse, end - 1) == token.position) {
        end--;
    }
    carrier->emit = (MrEmit){ kind, interval, token.position };
    carrier->query_end = end;
    return &carrier->base;
}

MrNode *mr_build_function_part(MrParse *parse, MrNode *function, MrNode *part)
{
    MrAstCreateFunction *into = MR_AST_AS(MrAstCreateFunction, function);
    const MrAstCreateFunction *more = MR_AST_AS(const MrAstCreateFunction, part);
    if ((into->returns != NULL && more->returns != NULL) ||
        (into->language != NULL && more->language != NULL) ||
        (into->volatility != MR_VOLATILITY_DEFAULT && more->volatility != MR_VOLATILITY_DEFAULT) ||
        (into->body != NULL && more->body != NULL)) {
        mr_build_fail(parse, MR_ERR_SYNTAX, part->position, "conflicting or redundant options");
    }
    into->returns = more->returns != NULL ? more->returns : into->returns;
    into->language = more->language != NULL ? more->language : into->language;
    into->body = more->body != NULL ? more->body : into->body;
    into->strict = into->strict || more->strict;
    into->is_sql = into->is_sql || more->is_sql;
    if (more->volatility != MR_VOLATILITY_DEFAULT) {
        into->volatility = more->volatility;
    }
    return function;
}

MrNode *mr_build_function_return(MrParse *parse, const MrNode *expr, MrToken token)
{
    MrAstCreateFunction *part = MK(parse, MrAstCreateFunction, CREATE_FUNCTION, token.position);
    const char *text = mr_ast_to_text(parse->arena, expr, MR_PRINT_COMPLETE);
    part->body = text == NULL ? NULL : mr_arena_printf(parse->arena, "SELECT %s", text);
    part->is_sql = true;
    if (part->body == NULL) {
        mr_build_no_memory(parse);
    }
    return &part->base;
}

MrNode *mr_build_volatility(MrParse *parse, MrVolatility volatility, MrToken token)
{
    MrAstCreateFunction *part = MK(parse, MrAstCreateFunction, CREATE_FUNCTION, token.position);
    part->volatility = volatility;
    return &part->base;
}

MrNode *mr_build_index(MrNode *body, int32_t position, bool unique, bool concurrently, MrName on)
{
    MrAstCreateIndex *index = MR_AST_AS(MrAstCreateIndex, body);
    index->base.position = position;
    index->unique = unique;
    index->concurrently = concurrently;
    index->on = on;
    return body;
}

MrNode *mr_build_index_key(MrParse *parse, MrNode *expr)
{
    MrAstIndexElement *element = MK(parse, MrAstIndexElement, INDEX_ELEMENT, expr->position);
    element->expr = expr;
    return &element->base;
}

MrNode *mr_build_drop_index(MrParse *parse, int32_t position, MrNodeList names, bool cascade)
{
    MrAstDrop *drop = MK(parse, MrAstDrop, DROP, position);
    drop->object = MR_OBJECT_INDEX;
    drop->names = names;
    drop->cascade = cascade;
    return &drop->base;
}

MrNode *mr_build_alter(MrParse *parse, MrAlterAction action, MrToken token)
{
    MrAstAlter *alter = MK(parse, MrAstAlter, ALTER, token.position);
    alter->action = action;
    return &alter->base;
}

MrNode *mr_build_role(MrParse *parse, MrNodeKind kind, int32_t position, bool is_user,
                      const char *name, MrNodeList options)
{
    MrAstRole *role = MK(parse, MrAstRole, CREATE_ROLE, position);
    role->base.kind = kind;
    role->is_user = is_user;
    role->name = name;
    role->options = options;
    return &role->base;
}

/* The last of the dotted names is the column, those before are its relation. */
MrNode *mr_build_column_comment(MrParse *parse, MrToken first, MrNodeList indirection,
                                const char *text, int32_t position)
{
    MrAstComment *comment = MK(parse, MrAstComment, COMMENT, position);
    comment->object = MR_OBJECT_COLUMN;
    comment->text = text;
    if (indirection.count == 0) {
        return &comment->base; /* memory ran out: the rule has at least one */
    }
    const MrAstField *last = MR_AST_AS(const MrAstField, indirection.items[indirection.count - 1]);
    if (last->base.kind != MR_AST_FIELD || last->name == NULL) {
        MrToken token = { "", last->base.position, 1 };
        mr_build_syntax_error(parse, &token);
        return &comment->base;
    }
    comment->column = last->name;
    indirection.count--;
    comment->name = mr_build_name(parse, first, indirection);
    return &comment->base;
}

/* ---- Data -------------------------------------------------------------------------------- */

MrAstOption *mr_build_option(MrParse *parse, const char *name, int32_t position, MrOptionValue kind,
                             const char *text)
{
    MrAstOption *option = MK(parse, MrAstOption, OPTION, position);
    option->name = name;
    option->value = kind;
    option->text = text;
    option->value_position = position;
    return option;
}

MrNodeList mr_build_options(MrParse *parse, const char *name, int32_t position, MrOptionValue kind,
                            const char *text)
{
    return mr_list(parse, &mr_build_option(parse, name, position, kind, text)->base);
}

MrNodeList mr_build_alert_options(MrParse *parse, MrToken channel)
{
    MrNodeList list =
        mr_build_options(parse, "connector", channel.position, MR_OPTION_STRING, "notify");
    return mr_list_add(
        parse, list,
        &mr_build_option(parse, "channel", channel.position, MR_OPTION_STRING, channel.text)->base);
}

MrNode *mr_build_insert(MrParse *parse, MrName table, const char *alias, MrNode *insert,
                        MrNode *conflict, MrNodeList returning, int32_t position)
{
    (void)parse;
    MrAstInsert *node = MR_AST_AS(MrAstInsert, insert);
    node->base.position = position;
    node->table = table;
    node->alias = alias;
    node->returning = returning;
    node->conflict_position = -1;
    if (conflict != NULL) {
        const MrAstInsert *carrier = MR_AST_AS(const MrAstInsert, conflict);
        node->conflict = carrier->conflict;
        node->conflict_columns = carrier->conflict_columns;
        node->conflict_constraint = carrier->conflict_constraint;
        node->conflict_set = carrier->conflict_set;
        node->conflict_where = carrier->conflict_where;
        node->conflict_position = carrier->conflict_position;
        if (node->conflict == MR_CONFLICT_UPDATE && node->conflict_columns.count == 0 &&
            node->conflict_constraint == NULL) {
            mr_build_fail(parse, MR_ERR_SYNTAX, carrier->conflict_position,
                          "ON CONFLICT DO UPDATE requires inference specification or constraint "
                          "name");
        }
    }
    return insert;
}

MrNode *mr_build_copy_place(MrParse *parse, MrCopyPlace place, const char *path, MrToken token)
{
    MrAstCopy *copy = MK(parse, MrAstCopy, COPY, token.position);
    copy->place = place;
    copy->path = path;
    return &copy->base;
}

MrNode *mr_build_copy_format(MrParse *parse, MrToken token, const char *format)
{
    return &mr_build_option(parse, "format", token.position, MR_OPTION_WORD, format)->base;
}

MrNode *mr_build_copy_names(MrParse *parse, const char *name, MrNameList names, MrToken token)
{
    MrAstOption *option = mr_build_option(parse, name, token.position, MR_OPTION_NAMES, NULL);
    option->names = names;
    return &option->base;
}

MrNode *mr_build_copy_check(MrParse *parse, MrNode *copy)
{
    const MrAstCopy *node = MR_AST_AS(const MrAstCopy, copy);
    if (node->query != NULL && node->from) {
        mr_build_fail(parse, MR_ERR_SYNTAX, copy->position,
                      "a query can only be copied TO, not FROM");
    }
    if (node->where != NULL && !node->from) {
        mr_build_fail(parse, MR_ERR_SYNTAX, node->where->position,
                      "WHERE clause not allowed with COPY TO");
    }
    return copy;
}

/* ---- Asking ------------------------------------------------------------------------------ */

MrNode *mr_build_explain(MrParse *parse, MrNodeList options, MrNode *explained, MrToken token)
{
    MrAstExplain *explain = MK(parse, MrAstExplain, EXPLAIN, token.position);
    explain->options = options;
    if (explained != NULL && explained->kind == MR_AST_NAME_NODE) {
        explain->view = MR_AST_AS(MrAstNameNode, explained)->name;
    } else {
        explain->statement = explained;
    }
    return &explain->base;
}

MrNode *mr_build_show(MrParse *parse, const char *name, int32_t position)
{
    static const struct {
        const char *word;
        MrShowKind kind;
    } lists[] = {
        { "all", MR_SHOW_ALL },
        { "streams", MR_SHOW_STREAMS },
        { "tables", MR_SHOW_TABLES },
        { "views", MR_SHOW_VIEWS },
        { "materialized views", MR_SHOW_MATERIALIZED_VIEWS },
        { "queries", MR_SHOW_QUERIES },
        { "connections", MR_SHOW_CONNECTIONS },
        { "secrets", MR_SHOW_SECRETS },
        { "sinks", MR_SHOW_SINKS },
        { "alerts", MR_SHOW_ALERTS },
        { "settings", MR_SHOW_SETTINGS },
        { "functions", MR_SHOW_FUNCTIONS },
    };
    MrAstShow *show = MK(parse, MrAstShow, SHOW, position);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (strcmp(lists[i].word, name) == 0) {
            show->show = lists[i].kind;
            return &show->base;
        }
    }
    show->show = MR_SHOW_SETTING;
    show->setting = name;
    return &show->base;
}

/* ---- Session ----------------------------------------------------------------------------- */

/* The clock is no setting: SET CLOCK TO '…' moves the virtual clock of a test server. */
static MrNode *build_set_clock(MrParse *parse, MrNodeList values, int32_t position)
{
    const MrAstOption *value =
        values.count == 1 ? MR_AST_AS(const MrAstOption, values.items[0]) : NULL;
    if (value == NULL || value->value != MR_OPTION_STRING) {
        mr_build_fail(parse, MR_ERR_SYNTAX, values.count > 0 ? values.items[0]->position : position,
                      "SET CLOCK TO takes one time as a string");
        return mr_build_node(parse, sizeof(MrAstSetClock), MR_AST_SET_CLOCK, position);
    }
    MrAstSetClock *clock = MK(parse, MrAstSetClock, SET_CLOCK, position);
    clock->value = mr_build_string(parse, value->text, value->value_position);
    return &clock->base;
}

MrNode *mr_build_set(MrParse *parse, const char *name, MrNodeList values, bool to_default,
                     int32_t position)
{
    if (strcmp(name, "clock") == 0 && !to_default) {
        return build_set_clock(parse, values, position);
    }
    MrAstSet *set = MK(parse, MrAstSet, SET, position);
    set->name = name;
    set->values = values;
    set->to_default = to_default;
    return &set->base;
}

MrNode *mr_build_reset(MrParse *parse, const char *name, int32_t position)
{
    MrAstSet *set = MK(parse, MrAstSet, SET, position);
    set->name = name;
    set->to_default = true;
    set->reset = true;
    return &set->base;
}

MrNode *mr_build_transaction(MrParse *parse, MrTransactionKind kind, MrNode *modes, MrToken token)
{
    MrAstTransaction *node = modes == NULL
                                 ? MK(parse, MrAstTransaction, TRANSACTION, token.position)
                                 : MR_AST_AS(MrAstTransaction, modes);
    node->base.position = token.position;
    node->transaction = kind;
    return &node->base;
}

void mr_build_transaction_modes(MrParse *parse, MrNode *modes, MrNode *more)
{
    (void)parse;
    MrAstTransaction *into = MR_AST_AS(MrAstTransaction, modes);
    const MrAstTransaction *from = MR_AST_AS(const MrAstTransaction, more);
    /* The last one wins, as in PostgreSQL. */
    into->isolation = from->isolation != NULL ? from->isolation : into->isolation;
    into->read_only = from->read_only != MR_TRI_UNSET ? from->read_only : into->read_only;
    into->deferrable = from->deferrable != MR_TRI_UNSET ? from->deferrable : into->deferrable;
}

MrNode *mr_build_fetch(MrParse *parse, MrFetchDirection direction, bool all, int64_t count,
                       MrToken name)
{
    MrAstFetch *fetch = MK(parse, MrAstFetch, FETCH, name.position);
    fetch->direction = direction;
    fetch->all = all;
    fetch->count = count;
    fetch->name = name.text;
    return &fetch->base;
}
