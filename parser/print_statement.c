/*
 * parser/print_statement.c - data, asking and session statements back to SQL.
 * Must not know what any name means.
 */
#include <inttypes.h>
#include <string.h>

#include "parser/parser.h"
#include "parser/print_parts.h"

#define AS(type) MR_AST_AS(const type, node)

/* ---- Data -------------------------------------------------------------------------------- */

static void print_table_alias(MrPrinter *printer, const MrName *table, const char *alias)
{
    mr_print_name(printer->out, table);
    if (alias != NULL) {
        PUT(printer, " AS ");
        mr_print_identifier(printer->out, alias);
    }
}

static void print_tail(MrPrinter *printer, const MrNode *where, const MrNodeList *returning)
{
    if (where != NULL) {
        PUT(printer, " WHERE ");
        mr_print_expression(printer, where, MR_BIND_ANY);
    }
    if (returning != NULL && returning->count > 0) {
        PUT(printer, " RETURNING ");
        mr_print_list(printer, returning);
    }
}

static void print_conflict(MrPrinter *printer, const MrAstInsert *node)
{
    PUT(printer, " ON CONFLICT");
    mr_print_column_list(printer, &node->conflict_columns);
    if (node->conflict_constraint != NULL) {
        PUT(printer, " ON CONSTRAINT ");
        mr_print_identifier(printer->out, node->conflict_constraint);
    }
    if (node->conflict == MR_CONFLICT_NOTHING) {
        PUT(printer, " DO NOTHING");
        return;
    }
    PUT(printer, " DO UPDATE SET ");
    mr_print_list(printer, &node->conflict_set);
    print_tail(printer, node->conflict_where, NULL);
}

static void print_insert(MrPrinter *printer, const MrAstInsert *node)
{
    mr_print_with(printer, &node->with, node->with_recursive);
    PUT(printer, "INSERT INTO ");
    print_table_alias(printer, &node->table, node->alias);
    mr_print_column_list(printer, &node->columns);
    if (node->overriding != NULL) {
        mr_builder_append_format(printer->out, " OVERRIDING %s VALUE", node->overriding);
    }
    if (node->query == NULL) {
        PUT(printer, " DEFAULT VALUES");
    } else {
        PUT(printer, " ");
        mr_print_node(printer, &node->query->base);
    }
    if (node->conflict != MR_CONFLICT_NONE) {
        print_conflict(printer, node);
    }
    print_tail(printer, NULL, &node->returning);
}

static void print_update(MrPrinter *printer, const MrAstUpdate *node)
{
    mr_print_with(printer, &node->with, node->with_recursive);
    PUT(printer, "UPDATE ");
    print_table_alias(printer, &node->table, node->alias);
    PUT(printer, " SET ");
    mr_print_list(printer, &node->set);
    mr_print_from(printer, &node->from, " FROM ");
    print_tail(printer, node->where, &node->returning);
}

static void print_delete(MrPrinter *printer, const MrAstDelete *node)
{
    mr_print_with(printer, &node->with, node->with_recursive);
    PUT(printer, "DELETE FROM ");
    print_table_alias(printer, &node->table, node->alias);
    mr_print_from(printer, &node->from, " USING ");
    print_tail(printer, node->where, &node->returning);
}

static void print_with_options(MrPrinter *printer, const MrNodeList *options)
{
    if (options->count > 0) {
        PUT(printer, " WITH (");
        mr_print_option_list(printer, options, true);
        PUT(printer, ")");
    }
}

static void print_copy(MrPrinter *printer, const MrAstCopy *node)
{
    PUT(printer, "COPY ");
    if (node->query != NULL) {
        PUT(printer, "(");
        mr_print_node(printer, node->query);
        PUT(printer, ")");
    } else {
        mr_print_name(printer->out, &node->table);
        mr_print_column_list(printer, &node->columns);
    }
    PUT(printer, node->from ? " FROM " : " TO ");
    PUT(printer, node->place == MR_COPY_PROGRAM ? "PROGRAM " : "");
    if (node->place == MR_COPY_STREAM) {
        PUT(printer, node->from ? "STDIN" : "STDOUT");
    } else {
        mr_print_string(printer, node->path);
    }
    print_with_options(printer, &node->options);
    print_tail(printer, node->where, NULL);
}

static void print_subscribe(MrPrinter *printer, const MrAstSubscribe *node)
{
    PUT(printer, "SUBSCRIBE TO ");
    if (node->query != NULL) {
        PUT(printer, "(");
        mr_print_node(printer, &node->query->base);
        PUT(printer, ")");
    } else {
        mr_print_name(printer->out, &node->name);
    }
    print_with_options(printer, &node->options);
    if (node->after != NULL) {
        PUT(printer, " AFTER ");
        mr_print_node(printer, node->after);
    }
}

/* ---- Asking ------------------------------------------------------------------------------ */

static void print_explain(MrPrinter *printer, const MrAstExplain *node)
{
    PUT(printer, "EXPLAIN ");
    if (node->options.count > 0) {
        PUT(printer, "(");
        mr_print_option_list(printer, &node->options, true);
        PUT(printer, ") ");
    }
    if (node->statement != NULL) {
        mr_print_node(printer, node->statement);
    } else {
        PUT(printer, "MATERIALIZED VIEW ");
        mr_print_name(printer->out, &node->view);
    }
}

/* Names of settings may be dotted: each part is a name. */
static void print_setting(MrPrinter *printer, const char *name)
{
    char word[MR_IDENTIFIER_BYTES_MAX + 1];
    while (*name != '\0') {
        size_t length = strcspn(name, ".");
        if (length < sizeof word) {
            memcpy(word, name, length);
            word[length] = '\0';
            mr_print_identifier(printer->out, word);
        }
        name += length;
        if (*name == '.') {
            PUT(printer, ".");
            name++;
        }
    }
}

static void print_show(MrPrinter *printer, const MrAstShow *node)
{
    static const char *const lists[] = { "",          "ALL",         "STREAMS",
                                         "TABLES",    "VIEWS",       "MATERIALIZED VIEWS",
                                         "QUERIES",   "CONNECTIONS", "SECRETS",
                                         "SINKS",     "ALERTS",      "SETTINGS",
                                         "FUNCTIONS", "CREATE " };
    static const char *const objects[] = {
        "STREAM", "SOURCE",     "TABLE",  "VIEW",     "MATERIALIZED VIEW",
        "SINK",   "CONNECTION", "SECRET", "FUNCTION", "COLUMN"
    };
    PUT(printer, "SHOW ");
    PUT(printer, lists[node->show]);
    if (node->show == MR_SHOW_SETTING) {
        print_setting(printer, node->setting);
    } else if (node->show == MR_SHOW_CREATE) {
        PUT(printer, objects[node->object]);
        PUT(printer, " ");
        mr_print_name(printer->out, &node->name);
    }
}

/* ---- Session ----------------------------------------------------------------------------- */

static void print_set_value(MrPrinter *printer, const MrNode *value)
{
    const MrAstOption *option = MR_AST_AS(const MrAstOption, value);
    if (value->kind != MR_AST_OPTION) {
        mr_print_node(printer, value);
    } else if (option->value == MR_OPTION_NUMBER) {
        PUT(printer, option->text);
    } else {
        mr_print_string(printer, option->text); /* words too: SET takes both alike */
    }
}

static void print_set(MrPrinter *printer, const MrAstSet *node)
{
    static const char *const scopes[] = { "SET ", "SET SESSION ", "SET LOCAL " };
    if (node->reset) {
        PUT(printer, "RESET ");
        if (node->name == NULL) {
            PUT(printer, "ALL");
        } else {
            print_setting(printer, node->name);
        }
        return;
    }
    bool interval = node->values.count == 1 && node->values.items[0]->kind != MR_AST_OPTION;
    PUT(printer, scopes[node->scope]);
    if (interval) {
        PUT(printer, "TIME ZONE ");
    } else {
        print_setting(printer, node->name);
        PUT(printer, " TO ");
    }
    PUT(printer, node->to_default ? "DEFAULT" : "");
    for (uint32_t i = 0; i < node->values.count; i++) {
        PUT(printer, i == 0 ? "" : ", ");
        print_set_value(printer, node->values.items[i]);
    }
}

static void print_modes(MrPrinter *printer, const MrAstTransaction *node)
{
    const char *space = " ";
    if (node->isolation != NULL) {
        mr_builder_append_format(printer->out, "%sISOLATION LEVEL %s", space, node->isolation);
        space = ", ";
    }
    if (node->read_only != MR_TRI_UNSET) {
        PUT(printer, space);
        PUT(printer, node->read_only == MR_TRI_ON ? "READ ONLY" : "READ WRITE");
        space = ", ";
    }
    if (node->deferrable != MR_TRI_UNSET) {
        PUT(printer, space);
        PUT(printer, node->deferrable == MR_TRI_ON ? "DEFERRABLE" : "NOT DEFERRABLE");
    }
}

static void print_transaction(MrPrinter *printer, const MrAstTransaction *node)
{
    static const char *const words[] = { "BEGIN",
                                         "START TRANSACTION",
                                         "COMMIT",
                                         "ROLLBACK",
                                         "SAVEPOINT ",
                                         "RELEASE SAVEPOINT ",
                                         "ROLLBACK TO SAVEPOINT ",
                                         "SET TRANSACTION",
                                         "SET SESSION CHARACTERISTICS AS TRANSACTION" };
    PUT(printer, words[node->transaction]);
    if (node->savepoint != NULL) {
        mr_print_identifier(printer->out, node->savepoint);
    }
    print_modes(printer, node);
    PUT(printer, node->chain ? " AND CHAIN" : "");
}

static void print_prepare(MrPrinter *printer, const MrAstPrepare *node)
{
    PUT(printer, "PREPARE ");
    mr_print_identifier(printer->out, node->name);
    if (node->types.count > 0) {
        PUT(printer, " (");
        mr_print_list(printer, &node->types);
        PUT(printer, ")");
    }
    PUT(printer, " AS ");
    mr_print_node(printer, node->statement);
}

static void print_declare(MrPrinter *printer, const MrAstDeclare *node)
{
    PUT(printer, "DECLARE ");
    mr_print_identifier(printer->out, node->name);
    PUT(printer, node->binary ? " BINARY" : "");
    PUT(printer, node->insensitive ? " INSENSITIVE" : "");
    PUT(printer, node->scroll == MR_TRI_ON    ? " SCROLL"
                 : node->scroll == MR_TRI_OFF ? " NO SCROLL"
                                              : "");
    PUT(printer, node->hold ? " CURSOR WITH HOLD FOR " : " CURSOR FOR ");
    mr_print_node(printer, node->query);
}

static void print_fetch(MrPrinter *printer, const MrAstFetch *node)
{
    static const char *const words[] = { "FORWARD ", "BACKWARD ", "ABSOLUTE ", "RELATIVE " };
    PUT(printer, node->move ? "MOVE " : "FETCH ");
    PUT(printer, words[node->direction]);
    if (node->all) {
        PUT(printer, "ALL");
    } else {
        mr_builder_append_format(printer->out, "%" PRId64, node->count);
    }
    PUT(printer, " FROM ");
    mr_print_identifier(printer->out, node->name);
    print_with_options(printer, &node->options);
}

static void print_named(MrPrinter *printer, const char *words, const char *name, const char *none)
{
    PUT(printer, words);
    if (name == NULL) {
        PUT(printer, none);
    } else {
        mr_print_identifier(printer->out, name);
    }
}

static void print_session_statement(MrPrinter *printer, const MrNode *node)
{
    static const char *const discards[] = { "ALL", "PLANS", "SEQUENCES", "TEMP" };
    switch (node->kind) {
    case MR_AST_SET: print_set(printer, AS(MrAstSet)); break;
    case MR_AST_SET_CLOCK:
        PUT(printer, "SET CLOCK TO ");
        mr_print_expression(printer, AS(MrAstSetClock)->value, MR_BIND_ANY);
        break;
    case MR_AST_DISCARD:
        PUT(printer, "DISCARD ");
        PUT(printer, discards[AS(MrAstDiscard)->what]);
        break;
    case MR_AST_TRANSACTION: print_transaction(printer, AS(MrAstTransaction)); break;
    case MR_AST_PREPARE: print_prepare(printer, AS(MrAstPrepare)); break;
    case MR_AST_EXECUTE:
        print_named(printer, "EXECUTE ", AS(MrAstExecute)->name, "");
        if (AS(MrAstExecute)->args.count > 0) {
            PUT(printer, "(");
            mr_print_list(printer, &AS(MrAstExecute)->args);
            PUT(printer, ")");
        }
        break;
    case MR_AST_DEALLOCATE:
        print_named(printer, "DEALLOCATE ", AS(MrAstDeallocate)->name, "ALL");
        break;
    case MR_AST_DECLARE: print_declare(printer, AS(MrAstDeclare)); break;
    case MR_AST_FETCH: print_fetch(printer, AS(MrAstFetch)); break;
    case MR_AST_CLOSE: print_named(printer, "CLOSE ", AS(MrAstClose)->name, "ALL"); break;
    case MR_AST_LISTEN: print_named(printer, "LISTEN ", AS(MrAstNotify)->channel, ""); break;
    case MR_AST_UNLISTEN: print_named(printer, "UNLISTEN ", AS(MrAstNotify)->channel, "*"); break;
    case MR_AST_NOTIFY:
        print_named(printer, "NOTIFY ", AS(MrAstNotify)->channel, "");
        if (AS(MrAstNotify)->payload != NULL) {
            PUT(printer, ", ");
            mr_print_string(printer, AS(MrAstNotify)->payload);
        }
        break;
    default: break;
    }
}

void mr_print_statement(MrPrinter *printer, const MrNode *node)
{
    switch (node->kind) {
    case MR_AST_INSERT: print_insert(printer, AS(MrAstInsert)); break;
    case MR_AST_UPDATE: print_update(printer, AS(MrAstUpdate)); break;
    case MR_AST_DELETE: print_delete(printer, AS(MrAstDelete)); break;
    case MR_AST_TRUNCATE:
        PUT(printer, "TRUNCATE ");
        mr_print_list(printer, &AS(MrAstTruncate)->names);
        PUT(printer, AS(MrAstTruncate)->cascade ? " CASCADE" : "");
        break;
    case MR_AST_COPY: print_copy(printer, AS(MrAstCopy)); break;
    case MR_AST_SUBSCRIBE: print_subscribe(printer, AS(MrAstSubscribe)); break;
    case MR_AST_EXPLAIN: print_explain(printer, AS(MrAstExplain)); break;
    case MR_AST_EXPLAIN_PROGRESS:
        PUT(printer, "EXPLAIN PROGRESS ");
        mr_print_name(printer->out, &AS(MrAstExplainProgress)->name);
        break;
    case MR_AST_SHOW: print_show(printer, AS(MrAstShow)); break;
    case MR_AST_DESCRIBE:
        PUT(printer, "DESCRIBE ");
        mr_print_name(printer->out, &AS(MrAstDescribe)->name);
        break;
    case MR_AST_FLUSH: PUT(printer, "FLUSH"); break;
    case MR_AST_ADVANCE_WATERMARK:
        PUT(printer, "ADVANCE WATERMARK OF ");
        mr_print_name(printer->out, &AS(MrAstAdvanceWatermark)->stream);
        PUT(printer, " TO ");
        mr_print_expression(printer, AS(MrAstAdvanceWatermark)->value, MR_BIND_ANY);
        break;
    default: print_session_statement(printer, node); break;
    }
}
