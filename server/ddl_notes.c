/*
 * server/ddl_notes.c - what the store keeps of an object behind its settings, as lines: comments
 * and indexes,
 *
 *     comment=all of them
 *     column=at
 *     is=when it came in
 *     index=CREATE INDEX by_city ON rides USING btree (city)
 *     formerly=by_town
 *
 * with line feeds and backslashes escaped.
 */
#include "common/logging.h"
#include "planner/index.h"
#include "server/ddl_internal.h"

/* ---- lines ----------------------------------------------------------------------------------- */

static void append_line(MrBuilder *out, const char *key, const char *text)
{
    mr_builder_append_string(out, key);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\n' || *c == '\\') {
            mr_builder_append_char(out, '\\');
        }
        mr_builder_append_char(out, *c == '\n' ? 'n' : *c);
    }
    mr_builder_append_char(out, '\n');
}

/* The text of the line when it has that key; NULL: it has not, or there is no memory. */
static const char *line_text(MrArena *arena, const char *line, const char *key)
{
    if (strncmp(line, key, strlen(key)) != 0) {
        return NULL;
    }
    line += strlen(key);
    char *text = mr_arena_strndup(arena, line, strcspn(line, "\n")), *to = text;
    for (const char *c = text; c != NULL && *c != '\0'; c++) {
        bool is_escape = *c == '\\' && c[1] != '\0';
        c += is_escape;
        *to++ = is_escape && *c == 'n' ? '\n' : *c;
    }
    if (text != NULL) {
        *to = '\0';
    }
    return text;
}

static const char *next_line(const char *line)
{
    line += strcspn(line, "\n");
    return *line == '\n' ? line + 1 : line;
}

static bool is_line_of(const char *line, const char *key)
{
    return strncmp(line, key, strlen(key)) == 0;
}

static bool is_comment_line(const char *line)
{
    return is_line_of(line, "comment=") || is_line_of(line, "column=") || is_line_of(line, "is=");
}

static bool is_note_line(const char *line)
{
    return is_comment_line(line) || is_line_of(line, "index=") || is_line_of(line, "formerly=");
}

/* ---- out ------------------------------------------------------------------------------------- */

static void append_indexes(MrBuilder *out, const MrRelation *relation)
{
    MrBuilder sql;
    mr_builder_init(&sql, 0);
    for (uint32_t i = 0; i < relation->index_count; i++) {
        const MrIndexDef *index = &relation->indexes[i];
        if (index->is_constraint) {
            continue;
        }
        mr_builder_clear(&sql);
        mr_index_print(index, relation, MR_INDEX_STORED, &sql);
        const char *text = mr_builder_text(&sql);
        out->failed |= text == NULL;
        append_line(out, "index=", text == NULL ? "" : text);
        if (index->formerly != NULL) {
            append_line(out, "formerly=", index->formerly);
        }
    }
    mr_builder_fini(&sql);
}

const char *mr_ddl_settings_with_notes(MrArena *arena, const char *settings,
                                       const MrRelation *relation)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    for (const char *line = settings; *line != '\0'; line = next_line(line)) {
        if (!is_note_line(line)) {
            mr_builder_append(&text, line, (size_t)(next_line(line) - line));
        }
    }
    if (relation->comment != NULL) {
        append_line(&text, "comment=", relation->comment);
    }
    for (uint32_t i = 0; i < relation->column_comment_count; i++) {
        append_line(&text, "column=", relation->column_comments[i].column);
        append_line(&text, "is=", relation->column_comments[i].text);
    }
    append_indexes(&text, relation);
    const char *whole = mr_builder_text(&text);
    whole = whole == NULL ? NULL : mr_arena_strdup(arena, whole);
    mr_builder_fini(&text);
    return whole;
}

MrStatus mr_ddl_notes_changed(MrDdl *ddl, const MrRelation *relation, const char **out)
{
    MrArena *arena = &ddl->memory->arena;
    const char *settings = mr_ddl_settings_text(arena, mr_ddl_zone_named(relation->zone_name));
    settings = mr_ddl_settings_with_statistics(arena, settings, relation->statistics);
    *out = settings == NULL ? NULL : mr_ddl_settings_with_notes(arena, settings, relation);
    return *out == NULL ? mr_error_no_memory(&ddl->err) : MR_OK;
}

/* ---- in -------------------------------------------------------------------------------------- */

static uint32_t count_lines(const char *settings)
{
    uint32_t count = 0;
    for (const char *line = settings; *line != '\0'; line = next_line(line)) {
        count++;
    }
    return count;
}

static MrStatus read_comments(MrArena *arena, const char *settings, MrRelation *out, MrError *err)
{
    MrColumnComment *comments;
    uint32_t count = 0;
    const char *column = NULL;
    MR_NEW_ARRAY(arena, comments, count_lines(settings), err);
    for (const char *line = settings; *line != '\0'; line = next_line(line)) {
        const char *text = NULL;
        if (is_line_of(line, "comment=")) {
            out->comment = text = line_text(arena, line, "comment=");
        } else if (is_line_of(line, "column=")) {
            column = text = line_text(arena, line, "column=");
        } else if (is_line_of(line, "is=") && column != NULL) {
            text = line_text(arena, line, "is=");
            comments[count++] = (MrColumnComment){ column, text };
            column = NULL;
        }
        if (text == NULL && is_comment_line(line)) {
            return mr_error_no_memory(err);
        }
    }
    out->column_comments = comments;
    out->column_comment_count = count;
    return MR_OK;
}

/* *fits false: it does not fit the relation, and `why` says so. */
static MrStatus read_index(MrPlannerContext *context, const char *sql, const MrRelation *relation,
                           MrIndexDef *out, bool *fits, MrError *why, MrError *err)
{
    const MrNode *node;
    *fits = false;
    MrStatus status = mr_ddl_parse_stored(relation->name, sql, context->arena, &node, why);
    if (status == MR_OK) {
        status =
            mr_planner_index(context, MR_AST_AS(const MrAstCreateIndex, node), relation, out, why);
    }
    *fits = status == MR_OK;
    return status == MR_ERR_OUT_OF_MEMORY ? mr_error_no_memory(err) : MR_OK;
}

static MrStatus read_indexes(MrServer *server, MrPlannerContext *context, const char *settings,
                             MrRelation *out, MrError *err)
{
    MrIndexDef *indexes;
    uint32_t count = out->index_count; /* those of constraints are there */
    bool fits = false;
    MR_NEW_ARRAY(context->arena, indexes, count + count_lines(settings), err);
    for (uint32_t i = 0; i < count; i++) {
        indexes[i] = out->indexes[i];
        indexes[i].oid = server->next_oid++;
    }
    for (const char *line = settings; *line != '\0'; line = next_line(line)) {
        const bool is_index = is_line_of(line, "index=");
        if (!is_index && !(fits && is_line_of(line, "formerly="))) {
            continue;
        }
        const char *text = line_text(context->arena, line, is_index ? "index=" : "formerly=");
        if (text == NULL) {
            return mr_error_no_memory(err);
        }
        if (!is_index) {
            indexes[count - 1].formerly = text;
            continue;
        }
        MrError why = MR_ERROR_INIT;
        MR_TRY(read_index(context, text, out, &indexes[count], &fits, &why, err));
        if (fits) {
            indexes[count++].oid = server->next_oid++;
        } else {
            mr_log_error(MR_LOG_WARNING, "ddl.index", &why);
        }
    }
    out->indexes = indexes;
    out->index_count = count;
    return MR_OK;
}

MrStatus mr_ddl_settings_notes(MrServer *server, MrPlannerContext *context, MrArena *arena,
                               const char *settings, MrRelation *out, MrError *err)
{
    MR_TRY(read_comments(arena, settings, out, err));
    return context == NULL ? MR_OK : read_indexes(server, context, settings, out, err);
}

/* ---- from one version to the next ------------------------------------------------------------ */

void mr_ddl_keep_notes(MrRelation *to, const MrRelation *from)
{
    to->comment = from->comment;
    to->column_comments = from->column_comments;
    to->column_comment_count = from->column_comment_count;
    if (to->kind !=
        MR_RELATION_TABLE) { /* whose text has some of them: mr_ddl_keep_table_indexes */
        to->indexes = from->indexes;
        to->index_count = from->index_count;
    }
}

static bool has_index_named(const MrRelation *relation, const char *name)
{
    for (uint32_t i = 0; i < relation->index_count; i++) {
        if (strcmp(relation->indexes[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_same_constraint(const MrIndexDef *a, const MrIndexDef *b)
{
    bool is_same = a->is_constraint && b->is_constraint && a->is_primary == b->is_primary &&
                   a->nulls_not_distinct == b->nulls_not_distinct &&
                   a->column_count == b->column_count;
    for (uint32_t c = 0; c < a->column_count && is_same; c++) {
        is_same = a->columns[c].column == b->columns[c].column;
    }
    return is_same;
}

/* The constraint's index before the statement: of its name, or of a name that is gone.  The count
 * where it is new. */
static uint32_t find_former(const MrRelation *to, const MrIndexDef *index, const MrRelation *from,
                            const bool *is_used)
{
    uint32_t found = from->index_count;
    for (uint32_t i = 0; i < from->index_count; i++) {
        const MrIndexDef *former = &from->indexes[i];
        if (is_used[i] || !is_same_constraint(index, former)) {
            continue;
        }
        if (strcmp(former->name, index->name) == 0) {
            return i;
        }
        if (found == from->index_count && !has_index_named(to, former->name)) {
            found = i;
        }
    }
    return found;
}

static bool reads_dropped(const MrIndexDef *index, const MrRelation *to)
{
    for (uint32_t c = 0; c < index->column_count; c++) {
        if (index->columns[c].column >= 0 &&
            mr_column_is_dropped(&to->schema.columns[index->columns[c].column])) {
            return true;
        }
    }
    return false;
}

/* A later column of the name is another one. */
static MrStatus forget_comments(MrDdl *ddl, MrRelation *to)
{
    MrColumnComment *comments;
    uint32_t count = 0;
    MR_NEW_ARRAY(&ddl->memory->arena, comments, to->column_comment_count + 1, &ddl->err);
    for (uint32_t i = 0; i < to->column_comment_count; i++) {
        for (uint32_t c = 0; c < to->schema.column_count; c++) {
            if (strcmp(to->schema.columns[c].name, to->column_comments[i].column) == 0) {
                comments[count++] = to->column_comments[i];
            }
        }
    }
    to->column_comments = comments;
    to->column_comment_count = count;
    return MR_OK;
}

MrStatus mr_ddl_keep_table_indexes(MrDdl *ddl, MrRelation *to, const MrRelation *from)
{
    MrIndexDef *indexes;
    bool *is_used;
    uint32_t count = 0;
    MR_NEW_ARRAY(&ddl->memory->arena, indexes, (size_t)to->index_count + from->index_count,
                 &ddl->err);
    MR_NEW_ARRAY(&ddl->memory->arena, is_used, from->index_count + 1, &ddl->err);
    for (uint32_t i = 0; i < to->index_count; i++) {
        const uint32_t old = find_former(to, &to->indexes[i], from, is_used);
        indexes[count] = to->indexes[i];
        indexes[count++].oid =
            old < from->index_count ? from->indexes[old].oid : ddl->server->next_oid++;
        is_used[old] = true;
    }
    for (uint32_t f = 0; f < from->index_count; f++) {
        if (!from->indexes[f].is_constraint && !reads_dropped(&from->indexes[f], to)) {
            indexes[count++] = from->indexes[f];
        }
    }
    to->indexes = indexes;
    to->index_count = count;
    return forget_comments(ddl, to);
}

MrStatus mr_ddl_keep_indexes(MrDdl *ddl, MrRelation *to, const MrRelation *from)
{
    MrPlannerContext context = mr_ddl_context(ddl, &ddl->memory->arena);
    MrIndexDef *indexes;
    MrBuilder sql;
    uint32_t count = 0;
    MrStatus status = MR_OK;
    MR_NEW_ARRAY(&ddl->memory->arena, indexes, from->index_count, &ddl->err);
    mr_builder_init(&sql, 0);
    for (uint32_t i = 0; i < from->index_count && status == MR_OK; i++) {
        const MrIndexDef *old = &from->indexes[i];
        MrError why = MR_ERROR_INIT;
        bool fits = false;
        mr_builder_clear(&sql);
        mr_index_print(old, from, MR_INDEX_STORED, &sql);
        const char *text = mr_builder_text(&sql);
        text = text == NULL ? NULL : mr_arena_strdup(&ddl->memory->arena, text);
        status = text == NULL
                     ? mr_error_no_memory(&ddl->err)
                     : read_index(&context, text, to, &indexes[count], &fits, &why, &ddl->err);
        if (fits) {
            indexes[count].oid = old->oid;
            indexes[count++].formerly = old->formerly;
        } else if (status == MR_OK) {
            mr_ddl_notice(ddl, "01000", "index \"%s\" is left out: %s", old->name, why.message);
        }
    }
    mr_builder_fini(&sql);
    to->indexes = indexes;
    to->index_count = count;
    return status;
}
