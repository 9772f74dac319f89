/*
 * server/copy_options.c - the options of COPY: see copy_options.h.
 */
#include "server/copy_options.h"

#include <stdio.h>
#include <stdlib.h>

#include "storage/codec.h"

typedef struct Reading {
    const MrAstCopy *ast;
    MrArena *arena;
    const MrRelation *relation; /* NULL: of a query */
    const char *const *names;
    uint32_t count;
    MrCopyOptions *out;
    const char *format;
    const char *delimiter, *quote, *escape, *null_text;
    bool has_reject_limit;
    MrError *err;
} Reading;

static MrStatus fail_at(Reading *r, const MrAstOption *option, MrStatus code, const char *format,
                        ...) MR_PRINTF(4, 5);
static MrStatus fail_at(Reading *r, const MrAstOption *option, MrStatus code, const char *format,
                        ...)
{
    va_list args;
    va_start(args, format);
    mr_error_vset(r->err, code, format, args);
    va_end(args);
    return mr_error_at(r->err, option->base.position);
}

static MrStatus read_text(Reading *r, const MrAstOption *option, const char **out)
{
    if (option->text == NULL) {
        return fail_at(r, option, MR_ERR_SYNTAX, "%s requires a parameter", option->name);
    }
    *out = option->text;
    return MR_OK;
}

static MrStatus read_bool(Reading *r, const MrAstOption *option, bool *out)
{
    const char *text = option->text;
    if (option->value == MR_OPTION_NONE || text == NULL) {
        *out = true;
        return MR_OK;
    }
    MrString word = mr_string(text);
    if (mr_string_equal_nocase(word, MR_STRING("true")) ||
        mr_string_equal_nocase(word, MR_STRING("on")) || mr_string_equal(word, MR_STRING("1"))) {
        *out = true;
        return MR_OK;
    }
    if (mr_string_equal_nocase(word, MR_STRING("false")) ||
        mr_string_equal_nocase(word, MR_STRING("off")) || mr_string_equal(word, MR_STRING("0"))) {
        *out = false;
        return MR_OK;
    }
    return fail_at(r, option, MR_ERR_SYNTAX, "%s requires a Boolean value", option->name);
}

static MrStatus read_format(Reading *r, const MrAstOption *option)
{
    MR_TRY(read_text(r, option, &r->format));
    MrString name = mr_string(r->format);
    if (!mr_string_equal(name, MR_STRING("text")) && !mr_string_equal(name, MR_STRING("csv")) &&
        !mr_string_equal(name, MR_STRING("binary")) && !mr_string_equal(name, MR_STRING("json"))) {
        return fail_at(r, option, MR_ERR_INVALID_PARAMETER, "COPY format \"%s\" not recognized",
                       r->format);
    }
    return MR_OK;
}

static MrStatus read_header(Reading *r, const MrAstOption *option)
{
    if (option->text != NULL &&
        mr_string_equal_nocase(mr_string(option->text), MR_STRING("match"))) {
        if (!r->ast->from) {
            return fail_at(r, option, MR_ERR_UNSUPPORTED,
                           "cannot use \"match\" with HEADER in COPY TO");
        }
        r->out->values.match_header = true;
        return MR_OK;
    }
    if (read_bool(r, option, &r->out->values.header) != MR_OK) {
        return fail_at(r, option, MR_ERR_SYNTAX, "%s requires a Boolean value or \"match\"",
                       option->name);
    }
    return MR_OK;
}

static MrStatus read_encoding(Reading *r, const MrAstOption *option)
{
    const char *text = "";
    MR_TRY(read_text(r, option, &text));
    const MrEncoding *encoding = mr_encoding_find(mr_string(text));
    if (encoding == NULL) {
        return fail_at(r, option, MR_ERR_INVALID_PARAMETER,
                       "argument to option \"%s\" must be a valid encoding name", option->name);
    }
    /* Bytes of SQL_ASCII are text of the server's where they are UTF-8. */
    bool is_ours = encoding == mr_encoding_utf8() || encoding->iconv == NULL;
    r->out->encoding = is_ours ? NULL : encoding;
    return MR_OK;
}

static MrStatus read_freeze(Reading *r, const MrAstOption *option)
{
    bool on;
    MR_TRY(read_bool(r, option, &on));
    if (on && r->ast->from) {
        fail_at(r, option, MR_ERR_UNSUPPORTED, "COPY FREEZE is not supported");
        return mr_error_hint(r->err, "Leave it out: a stream's rows are never rewritten.");
    }
    return MR_OK;
}

static MrStatus read_on_error(Reading *r, const MrAstOption *option)
{
    const char *text = "";
    MR_TRY(read_text(r, option, &text));
    MrString word = mr_string(text);
    r->out->has_on_error = true;
    r->out->ignores_errors = mr_string_equal_nocase(word, MR_STRING("ignore"));
    if (!r->ast->from) {
        return fail_at(r, option, MR_ERR_INVALID_PARAMETER,
                       "COPY ON_ERROR cannot be used with COPY TO");
    }
    if (!r->out->ignores_errors && !mr_string_equal_nocase(word, MR_STRING("stop"))) {
        fail_at(r, option, MR_ERR_INVALID_PARAMETER, "COPY ON_ERROR \"%.64s\" not recognized",
                text);
        return mr_error_hint(r->err, "It is stop or ignore; ignored rows are counted and kept in "
                                     "millrace.rejected_rows.");
    }
    return MR_OK;
}

static MrStatus read_reject_limit(Reading *r, const MrAstOption *option)
{
    const char *text = "";
    char *end;
    MR_TRY(read_text(r, option, &text));
    long long limit = strtoll(text, &end, 10);
    if (*end != '\0' || end == text || limit <= 0) {
        return fail_at(r, option, MR_ERR_INVALID_PARAMETER,
                       "REJECT_LIMIT (%.32s) must be greater than zero", text);
    }
    r->has_reject_limit = true;
    r->out->values.reject_limit = (uint64_t)limit;
    return MR_OK;
}

static MrStatus read_verbosity(Reading *r, const MrAstOption *option)
{
    const char *text = "";
    MR_TRY(read_text(r, option, &text));
    if (mr_string_equal_nocase(mr_string(text), MR_STRING("default"))) {
        return MR_OK;
    }
    fail_at(r, option, MR_ERR_UNSUPPORTED, "COPY LOG_VERBOSITY \"%.64s\" is not supported", text);
    return mr_error_hint(r->err,
                         "Ignored rows stand in millrace.rejected_rows with their reasons.");
}

static MrStatus refuse_option(Reading *r, const MrAstOption *option, const char *hint)
{
    fail_at(r, option, MR_ERR_UNSUPPORTED, "COPY option \"%s\" is not supported yet", option->name);
    return mr_error_hint(r->err, "%s", hint);
}

/* ---- FORCE_… ------------------------------------------------------------------------------- */

/* "force not null": as PostgreSQL's messages name the option. */
static const char *spaced(const MrAstOption *option, char out[32])
{
    snprintf(out, 32, "%s", option->name);
    for (char *at = out; *at != '\0'; at++) {
        *at = *at == '_' ? ' ' : *at;
    }
    return out;
}

static MrStatus column_missing(Reading *r, const MrAstOption *option, const char *name)
{
    if (r->relation == NULL) {
        return fail_at(r, option, MR_ERR_UNDEFINED_COLUMN, "column \"%s\" does not exist", name);
    }
    for (uint32_t c = 0; c < r->relation->schema.column_count; c++) {
        const MrColumn *column = &r->relation->schema.columns[c];
        if (strcmp(column->name, name) == 0 && !mr_column_is_dropped(column)) {
            const char *what = strcmp(option->name, "force_quote") == 0  ? "FORCE_QUOTE"
                               : strcmp(option->name, "force_null") == 0 ? "FORCE_NULL"
                                                                         : "FORCE_NOT_NULL";
            return fail_at(r, option, MR_ERR_INVALID_COLUMN_REFERENCE,
                           "%s column \"%s\" not referenced by COPY", what, name);
        }
    }
    return fail_at(r, option, MR_ERR_UNDEFINED_COLUMN,
                   "column \"%s\" of relation \"%s\" does not exist", name, r->relation->name);
}

static MrStatus mark_column(Reading *r, const MrAstOption *option, const char *name, size_t member)
{
    for (uint32_t c = 0; c < r->count; c++) {
        if (mr_string_equal(mr_string(name), mr_string(r->names[c]))) {
            *(bool *)((char *)&r->out->columns[c] + member) = true;
            return MR_OK;
        }
    }
    return column_missing(r, option, name);
}

static MrStatus mark_columns(Reading *r, const MrAstOption *option, size_t member, bool for_from)
{
    char name[32];
    if (r->ast->from != for_from) {
        return fail_at(r, option, MR_ERR_UNSUPPORTED, "COPY %s only available using COPY %s",
                       spaced(option, name), for_from ? "FROM" : "TO");
    }
    if (option->value == MR_OPTION_STAR && !for_from) {
        for (uint32_t c = 0; c < r->count; c++) {
            *(bool *)((char *)&r->out->columns[c] + member) = true;
        }
        return MR_OK;
    }
    if (option->value == MR_OPTION_WORD || option->value == MR_OPTION_STRING) {
        return mark_column(r, option, option->text, member);
    }
    if (option->value != MR_OPTION_NAMES) {
        return fail_at(r, option, MR_ERR_INVALID_PARAMETER,
                       "argument to option \"%s\" must be a list of column names", option->name);
    }
    for (uint32_t i = 0; i < option->names.count; i++) {
        MR_TRY(mark_column(r, option, option->names.items[i], member));
    }
    return MR_OK;
}

static MrStatus read_force(Reading *r, const MrAstOption *option)
{
    if (r->format == NULL || strcmp(r->format, "csv") != 0) {
        char name[32];
        return fail_at(r, option, MR_ERR_UNSUPPORTED, "COPY %s available only in CSV mode",
                       spaced(option, name));
    }
    if (strcmp(option->name, "force_quote") == 0) {
        return mark_columns(r, option, offsetof(MrCodecColumn, force_quote), false);
    }
    return mark_columns(r, option,
                        strcmp(option->name, "force_null") == 0
                            ? offsetof(MrCodecColumn, force_null)
                            : offsetof(MrCodecColumn, force_not_null),
                        true);
}

/* ---- All together ---------------------------------------------------------------------------- */

static bool is_force(const MrAstOption *option)
{
    return strncmp(option->name, "force_", 6) == 0;
}

static MrStatus read_option(Reading *r, const MrAstOption *option)
{
    const char *name = option->name;
    if (strcmp(name, "format") == 0) {
        return read_format(r, option);
    } else if (strcmp(name, "delimiter") == 0) {
        return read_text(r, option, &r->delimiter);
    } else if (strcmp(name, "null") == 0) {
        return read_text(r, option, &r->null_text);
    } else if (strcmp(name, "quote") == 0) {
        return read_text(r, option, &r->quote);
    } else if (strcmp(name, "escape") == 0) {
        return read_text(r, option, &r->escape);
    } else if (strcmp(name, "header") == 0) {
        return read_header(r, option);
    } else if (strcmp(name, "encoding") == 0) {
        return read_encoding(r, option);
    } else if (strcmp(name, "freeze") == 0) {
        return read_freeze(r, option);
    } else if (strcmp(name, "on_error") == 0) {
        return read_on_error(r, option);
    } else if (strcmp(name, "reject_limit") == 0) {
        return read_reject_limit(r, option);
    } else if (strcmp(name, "log_verbosity") == 0) {
        return read_verbosity(r, option);
    } else if (strcmp(name, "default") == 0) {
        return refuse_option(r, option,
                             "Leave the column out of the column list: it gets its DEFAULT.");
    } else if (strcmp(name, "ingest_id") == 0) {
        return refuse_option(r, option,
                             "After a lost answer, count the rows before sending them again.");
    } else if (is_force(option)) {
        return MR_OK; /* once the format is known */
    }
    return fail_at(r, option, MR_ERR_SYNTAX, "option \"%s\" not recognized", name);
}

static MrStatus check_one_byte(Reading *r, const char *what, const char *text)
{
    if (text != NULL && strlen(text) != 1) {
        return mr_error_set(r->err, MR_ERR_UNSUPPORTED,
                            "COPY %s must be a single one-byte character", what);
    }
    return MR_OK;
}

static MrStatus check_csv_only(Reading *r, const char *what, const char *text)
{
    if (text != NULL && strcmp(r->format, "csv") != 0) {
        return mr_error_set(r->err, MR_ERR_UNSUPPORTED, "COPY %s available only in CSV mode", what);
    }
    return check_one_byte(r, what, text);
}

static MrStatus check_binary(Reading *r)
{
    const MrCodecOptions *values = &r->out->values;
    if (strcmp(r->format, "binary") != 0) {
        return MR_OK;
    }
    if (r->delimiter != NULL || r->null_text != NULL) {
        return mr_error_set(r->err, MR_ERR_SYNTAX, "cannot specify %s in BINARY mode",
                            r->delimiter != NULL ? "DELIMITER" : "NULL");
    }
    if (values->header || values->match_header) {
        return mr_error_set(r->err, MR_ERR_UNSUPPORTED, "cannot specify HEADER in BINARY mode");
    }
    if (r->out->ignores_errors) {
        return mr_error_set(r->err, MR_ERR_SYNTAX, "only ON_ERROR STOP is allowed in BINARY mode");
    }
    if (r->out->encoding != NULL) {
        mr_error_set(r->err, MR_ERR_UNSUPPORTED,
                     "COPY encoding \"%s\" is not supported in BINARY mode",
                     r->out->encoding->name);
        return mr_error_hint(r->err, "Texts of the binary format are UTF8, as the client's are.");
    }
    return MR_OK;
}

/* JSON lines say all by themselves. */
static MrStatus check_json(Reading *r)
{
    const MrCodecOptions *values = &r->out->values;
    if (r->delimiter != NULL || r->null_text != NULL) {
        return mr_error_set(r->err, MR_ERR_SYNTAX, "cannot specify %s in JSON mode",
                            r->delimiter != NULL ? "DELIMITER" : "NULL");
    }
    if (values->header || values->match_header) {
        return mr_error_set(r->err, MR_ERR_UNSUPPORTED, "cannot specify HEADER in JSON mode");
    }
    return MR_OK;
}

static MrStatus check_characters(Reading *r)
{
    bool is_csv = strcmp(r->format, "csv") == 0;
    const char *delimiter = r->delimiter != NULL ? r->delimiter : is_csv ? "," : "\t";
    const char *null_text = r->null_text != NULL ? r->null_text : is_csv ? "" : "\\N";
    const char *quote = r->quote != NULL ? r->quote : "\"";
    if (strpbrk(delimiter, "\r\n") != NULL) {
        return mr_error_set(r->err, MR_ERR_INVALID_PARAMETER,
                            "COPY delimiter cannot be newline or carriage return");
    }
    if (strpbrk(null_text, "\r\n") != NULL) {
        return mr_error_set(r->err, MR_ERR_INVALID_PARAMETER,
                            "COPY null representation cannot use newline or carriage return");
    }
    if (!is_csv && strchr("\\.abcdefghijklmnopqrstuvwxyz0123456789", delimiter[0]) != NULL) {
        return mr_error_set(r->err, MR_ERR_INVALID_PARAMETER, "COPY delimiter cannot be \"%s\"",
                            delimiter);
    }
    if (is_csv && delimiter[0] == quote[0]) {
        return mr_error_set(r->err, MR_ERR_INVALID_PARAMETER,
                            "COPY delimiter and quote must be different");
    }
    if (strchr(null_text, delimiter[0]) != NULL) {
        return mr_error_set(r->err, MR_ERR_UNSUPPORTED,
                            "COPY delimiter must not appear in the NULL specification");
    }
    if (is_csv && strchr(null_text, quote[0]) != NULL) {
        return mr_error_set(r->err, MR_ERR_UNSUPPORTED,
                            "CSV quote character must not appear in the NULL specification");
    }
    return MR_OK;
}

static MrStatus check_all(Reading *r)
{
    MR_TRY(check_one_byte(r, "delimiter", r->delimiter));
    MR_TRY(check_csv_only(r, "quote", r->quote));
    MR_TRY(check_csv_only(r, "escape", r->escape));
    MR_TRY(check_binary(r));
    MR_TRY(strcmp(r->format, "json") == 0 ? check_json(r) : check_characters(r));
    if (r->has_reject_limit && !r->out->ignores_errors) {
        return mr_error_set(r->err, MR_ERR_INVALID_PARAMETER,
                            "COPY REJECT_LIMIT requires ON_ERROR to be set to IGNORE");
    }
    return MR_OK;
}

static MrStatus check_twice(Reading *r, uint32_t index)
{
    const MrAstOption *option = MR_AST_AS(const MrAstOption, r->ast->options.items[index]);
    for (uint32_t i = 0; i < index; i++) {
        if (strcmp(MR_AST_AS(const MrAstOption, r->ast->options.items[i])->name, option->name) ==
            0) {
            return fail_at(r, option, MR_ERR_SYNTAX, "conflicting or redundant options");
        }
    }
    return MR_OK;
}

MrStatus mr_copy_options(const MrAstCopy *ast, MrArena *arena, const MrRelation *relation,
                         const char *const *names, uint32_t count, MrCopyOptions *out, MrError *err)
{
    Reading r = { .ast = ast,
                  .arena = arena,
                  .relation = relation,
                  .names = names,
                  .count = count,
                  .out = out,
                  .err = err };
    *out = (MrCopyOptions){ 0 };
    MR_NEW_ARRAY(arena, out->columns, count, err);
    for (uint32_t i = 0; i < ast->options.count; i++) {
        MR_TRY(check_twice(&r, i));
        MR_TRY(read_option(&r, MR_AST_AS(const MrAstOption, ast->options.items[i])));
    }
    r.format = r.format == NULL ? "text" : r.format;
    for (uint32_t i = 0; i < ast->options.count; i++) {
        const MrAstOption *option = MR_AST_AS(const MrAstOption, ast->options.items[i]);
        if (is_force(option)) {
            MR_TRY(read_force(&r, option));
        }
    }
    MR_TRY(check_all(&r));
    out->codec = mr_codec_find(mr_string(r.format));
    out->values.delimiter = r.delimiter == NULL ? 0 : r.delimiter[0];
    out->values.quote = r.quote == NULL ? 0 : r.quote[0];
    out->values.escape = r.escape == NULL ? 0 : r.escape[0];
    out->values.null_text = r.null_text;
    return MR_OK;
}
