/*
 * planner/binder_special.c - calls that are not functions over values: the clock, who is asking,
 * COALESCE and its like.  Must not know the registry's functions.
 */
#include "planner/binder.h"
#include "storage/reg.h"

#include <string.h>

typedef MrStatus SpecialBind(MrBinder *b, const MrAstCall *call, MrExpr **out);

/* ---- The clock --------------------------------------------------------------------------- */

/* The row's arrival, which is a column where rows lose their places to a join. */
static MrStatus bind_arrival(MrBinder *b, int32_t position, uint32_t written_as, MrExpr **out)
{
    const MrType type = mr_type(MR_TYPE_TIMESTAMPTZ);
    if (b->scope != NULL && b->scope->keeps_places) {
        return mr_expr_column(b->arena, b->scope->places_at + 1, type, position, out, b->err);
    }
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_ARRIVAL, type, position, 0, out, b->err));
    (*out)->column = written_as;
    return MR_OK;
}

/* now(): the row's arrival over a stream, else the statement's start (dialect.md, Time 9). */
static MrStatus bind_moment(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    int32_t position = call->base.position;
    bool over_stream = b->scope != NULL && (b->scope->over_stream || b->scope->keeps_places);
    if (b->clause == MR_CLAUSE_GENERATED || b->clause == MR_CLAUSE_WATERMARK) {
        mr_bind_error(b, MR_ERR_INVALID_OBJECT_DEFINITION, position,
                      "generation expression is not immutable");
        return mr_error_hint(b->err, "Use DEFAULT now() for the time at which a row comes in.");
    }
    if (over_stream || b->clause == MR_CLAUSE_DEFAULT || b->clause == MR_CLAUSE_CHECK) {
        b->saw_now = true;
        return bind_arrival(b, position, MR_ARRIVAL_NOW, out);
    }
    if (b->mode == MR_BIND_STANDING) {
        mr_bind_error(b, MR_ERR_UNSUPPORTED, position,
                      "%s() is refused here: a standing query's answer depends on "
                      "its rows only",
                      call->name.name);
        return mr_error_hint(
            b->err, "Directly over a stream it is the arrival of the row; name it in a subquery "
                    "over the stream.");
    }
    MrDatum now = { .type = mr_type(MR_TYPE_TIMESTAMPTZ), .integer = b->context->now_us };
    return mr_expr_constant(b->arena, &now, position, out, b->err);
}

/* current_timestamp(3): the precision is rounded to. */
static MrStatus bind_precision(MrBinder *b, const MrAstCall *call, MrTypeId id, MrExpr *value,
                               MrExpr **out)
{
    MrType type = mr_type(id);
    if (call->args.count > 0) {
        MrDatum precision;
        MR_TRY(mr_bind_constant(b, call->args.items[0], mr_type(MR_TYPE_INT32), "the precision",
                                &precision));
        if (precision.is_null || precision.integer < 0 || precision.integer > 6) {
            return mr_bind_error(b, MR_ERR_INVALID_PARAMETER, call->base.position,
                                 "the precision of %s is from 0 to 6", call->name.name);
        }
        type.typmod = precision.integer == 6 ? -1 : (int32_t)precision.integer;
    }
    return mr_coerce(b, value, type, MR_CAST_EXPLICIT, call->base.position, out);
}

static MrStatus bind_now(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    MrExpr *now;
    MR_TRY(bind_moment(b, call, &now));
    return bind_precision(b, call, MR_TYPE_TIMESTAMPTZ, now, out);
}

/* Volatile as in PostgreSQL, where each call tells another time. */
static MrStatus bind_clock(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    if (b->mode == MR_BIND_STANDING && !b->context->is_stored) {
        return mr_bind_unsupported(b, call->base.position,
                                   "Use now(), which is the arrival of the row.",
                                   "function clock_timestamp() is volatile: a standing query "
                                   "cannot use it");
    }
    return bind_now(b, call, out);
}

static MrStatus bind_localtimestamp(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    MrExpr *now;
    MR_TRY(bind_moment(b, call, &now));
    return bind_precision(b, call, MR_TYPE_TIMESTAMP, now, out);
}

static MrStatus bind_localtime(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    MrExpr *now;
    MR_TRY(bind_moment(b, call, &now));
    return bind_precision(b, call, MR_TYPE_TIME, now, out);
}

static MrStatus bind_current_date(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    MrExpr *now;
    MR_TRY(bind_moment(b, call, &now));
    return mr_coerce(b, now, mr_type(MR_TYPE_DATE), MR_CAST_EXPLICIT, call->base.position, out);
}

static MrStatus bind_current_time(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    MrExpr *now;
    MR_TRY(bind_moment(b, call, &now));
    return bind_precision(b, call, MR_TYPE_TIMETZ, now, out);
}

static MrStatus bind_proctime(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    if (b->scope == NULL || (!b->scope->over_stream && !b->scope->keeps_places)) {
        mr_bind_error(b, MR_ERR_UNSUPPORTED, call->base.position,
                      "PROCTIME() needs rows of a stream");
        return mr_error_hint(b->err, "Use it directly over a stream, or over a view with EMIT ON "
                                     "WINDOW CLOSE, in a subquery.");
    }
    b->saw_proctime = true;
    return bind_arrival(b, call->base.position, MR_ARRIVAL_COLUMN, out);
}

/* ---- Who is asking ----------------------------------------------------------------------- */

static MrStatus bind_text(MrBinder *b, const MrAstCall *call, const char *text, MrExpr **out)
{
    MR_TRY(mr_expr_text(b->arena, text, out, b->err));
    (*out)->position = call->base.position;
    return MR_OK;
}

/* A name of PostgreSQL's type; columns of results are text. */
static MrStatus bind_name(MrBinder *b, const MrAstCall *call, const char *text, MrExpr **out)
{
    MrDatum name = { .type = mr_type(b->mode == MR_BIND_STANDING ? MR_TYPE_TEXT : MR_TYPE_NAME),
                     .text = mr_text_make(text, (uint32_t)strlen(text)) };
    return mr_expr_constant(b->arena, &name, call->base.position, out, b->err);
}

static MrStatus bind_no_name(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    MrDatum name = { .type = mr_type(b->mode == MR_BIND_STANDING ? MR_TYPE_TEXT : MR_TYPE_NAME),
                     .is_null = true };
    return mr_expr_constant(b->arena, &name, call->base.position, out, b->err);
}

/* A standing query has no session: what it says must not depend on whose planned it last. */
static MrStatus refuse_standing(MrBinder *b, const MrAstCall *call)
{
    return b->mode != MR_BIND_STANDING || b->context->is_stored
               ? MR_OK
               : mr_bind_unsupported(b, call->base.position,
                                     "Put it into a column with DEFAULT, or write the name.",
                                     "%s tells of a session, and a standing query has none",
                                     call->name.name);
}

static MrStatus bind_user(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    MR_TRY(refuse_standing(b, call));
    return bind_name(b, call, b->context->user != NULL ? b->context->user : "millrace", out);
}

static MrStatus bind_database(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    MR_TRY(refuse_standing(b, call));
    return bind_name(b, call, b->context->database != NULL ? b->context->database : "millrace",
                     out);
}

static MrStatus bind_schema(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    MR_TRY(refuse_standing(b, call));
    const char *schema_name = b->context->schema_name;
    return schema_name == NULL ? bind_no_name(b, call, out) : bind_name(b, call, schema_name, out);
}

static MrStatus bind_version(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    /* Clients read the number after the first word to learn what they may ask. */
    const char *version = b->context->setting != NULL
                              ? b->context->setting(b->context->setting_context, "server_version")
                              : NULL;
    const char *text =
        mr_arena_printf(b->arena, "PostgreSQL %s", version != NULL ? version : "15.0 (Millrace)");
    return text == NULL ? mr_error_no_memory(b->err) : bind_text(b, call, text, out);
}

static MrStatus bind_setting(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    MrDatum name, missing_ok = { .boolean = false };
    const char *value = NULL;
    MR_TRY(refuse_standing(b, call));
    if (call->args.items[0]->kind == MR_AST_COLUMN) {
        *out = NULL; /* the registry's function answers row by row */
        return MR_OK;
    }
    MR_TRY(mr_bind_constant(b, call->args.items[0], mr_type(MR_TYPE_TEXT), "current_setting()",
                            &name));
    if (call->args.count > 1) {
        MR_TRY(mr_bind_constant(b, call->args.items[1], mr_type(MR_TYPE_BOOL), "current_setting()",
                                &missing_ok));
    }
    if (!name.is_null) {
        MrString text = mr_text_string(&name.text);
        const char *wanted = mr_arena_strndup(b->arena, text.data, text.length);
        if (wanted == NULL) {
            return mr_error_no_memory(b->err);
        }
        value = b->context->setting != NULL
                    ? b->context->setting(b->context->setting_context, wanted)
                    : NULL;
        if (value == NULL && !missing_ok.boolean) {
            return mr_bind_error(b, MR_ERR_UNDEFINED_OBJECT, call->base.position,
                                 "unrecognized configuration parameter \"%s\"", wanted);
        }
    }
    if (value == NULL) {
        MrDatum null = { .type = mr_type(MR_TYPE_TEXT), .is_null = true };
        return mr_expr_constant(b->arena, &null, call->base.position, out, b->err);
    }
    value = mr_arena_strdup(b->arena, value);
    return value == NULL ? mr_error_no_memory(b->err) : bind_text(b, call, value, out);
}

static MrStatus bind_typeof(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    MrExpr *value;
    char text[64];
    MR_TRY(mr_bind_expr(b, call->args.items[0], &value));
    const bool is_bpchar = value->type.id == MR_TYPE_BPCHAR; /* told without a length */
    const char *name = mr_arena_strdup(
        b->arena, is_bpchar ? "character" : mr_type_text(mr_type(value->type.id), text));
    if (name == NULL) {
        return mr_error_no_memory(b->err);
    }
    if (b->mode == MR_BIND_STANDING) {
        return bind_text(b, call, name, out);
    }
    MrDatum type = { .type = mr_type(MR_TYPE_REGTYPE) };
    MR_TRY(mr_reg_make(b->arena, mr_type_info(value->type.id)->oid, mr_string(name), &type.text,
                       b->err));
    return mr_expr_constant(b->arena, &type, call->base.position, out, b->err);
}

static MrStatus bind_watermark(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    MrDatum name, moment = { .type = mr_type(MR_TYPE_TIMESTAMPTZ) };
    const MrRelation *relation;
    MR_TRY(mr_bind_constant(b, call->args.items[0], mr_type(MR_TYPE_TEXT), "current_watermark()",
                            &name));
    if (b->mode == MR_BIND_STANDING || b->context->watermark == NULL) {
        return mr_bind_unsupported(b, call->base.position, "Ask for it in a SELECT of its own.",
                                   "current_watermark() is refused here");
    }
    if (name.is_null) {
        moment.is_null = true;
        return mr_expr_constant(b->arena, &moment, call->base.position, out, b->err);
    }
    const char *text = mr_arena_strndup(b->arena, mr_text_data(&name.text), name.text.length);
    if (text == NULL) {
        return mr_error_no_memory(b->err);
    }
    MrName relation_name = { .name = text, .position = call->base.position };
    MR_TRY(mr_catalog_resolve(b->context->catalog, &relation_name, &relation, b->err));
    if (relation->kind != MR_RELATION_STREAM) {
        mr_error_set(b->err, MR_ERR_WRONG_OBJECT_TYPE, "\"%s\" is not a stream", text);
        return mr_error_at(b->err, call->base.position);
    }
    moment.integer = b->context->watermark(b->context->watermark_context, relation->stream->id);
    moment.is_null = moment.integer == MR_TIME_MIN;
    return mr_expr_constant(b->arena, &moment, call->base.position, out, b->err);
}

/* ---- Forms with rules of their own ------------------------------------------------------- */

static MrStatus bind_variadic(MrBinder *b, const MrAstCall *call, MrExprKind kind, const char *what,
                              MrExpr **out)
{
    MrType type;
    MR_TRY(mr_expr_new(b->arena, kind, mr_type(MR_TYPE_TEXT), call->base.position, call->args.count,
                       out, b->err));
    for (uint32_t i = 0; i < call->args.count; i++) {
        MR_TRY(mr_bind_expr(b, call->args.items[i], &(*out)->args[i]));
    }
    MR_TRY(mr_coerce_common(b, (*out)->args, call->args.count, what, &type));
    (*out)->type = type;
    if (call->args.count == 1) {
        *out = (*out)->args[0];
    }
    return MR_OK;
}

static MrStatus bind_coalesce(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    return bind_variadic(b, call, MR_EXPR_COALESCE, "COALESCE", out);
}

static MrStatus bind_greatest(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    return bind_variadic(b, call, MR_EXPR_GREATEST, "GREATEST", out);
}

static MrStatus bind_least(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    return bind_variadic(b, call, MR_EXPR_LEAST, "LEAST", out);
}

/* NULLIF(a, b) is CASE WHEN a = b THEN NULL ELSE a END, a as the comparison took it. */
static MrStatus bind_nullif(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    MrExpr *left, *right, *equal;
    MR_TRY(mr_bind_expr(b, call->args.items[0], &left));
    MR_TRY(mr_bind_expr(b, call->args.items[1], &right));
    MR_TRY(mr_bind_operator(b, "=", left, right, call->base.position, &equal));
    MrDatum null = { .type = equal->args[0]->type, .is_null = true };
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_CASE, null.type, call->base.position, 3, out, b->err));
    (*out)->args[0] = equal;
    MR_TRY(mr_expr_constant(b->arena, &null, call->base.position, &(*out)->args[1], b->err));
    (*out)->args[2] = equal->args[0];
    return MR_OK;
}

/* age(t): from t to this day's midnight. */
static MrStatus bind_age(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    MrExpr *args[2];
    MR_TRY(mr_bind_expr(b, call->args.items[0], &args[1]));
    MR_TRY(bind_current_date(b, call, &args[0]));
    const MrTypeId type =
        args[1]->type.id == MR_TYPE_TIMESTAMP ? MR_TYPE_TIMESTAMP : MR_TYPE_TIMESTAMPTZ;
    MR_TRY(mr_coerce(b, args[0], mr_type(type), MR_CAST_EXPLICIT, call->base.position, &args[0]));
    return mr_bind_function(b, "age", args, 2, call->base.position, out);
}

/* normalize(x, NFC): the form is a word there. */
static MrStatus bind_normalize(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    static const char *const forms[] = { "nfc", "nfd", "nfkc", "nfkd" };
    const MrNode *form = call->args.items[1];
    MrExpr *args[2] = { NULL, NULL };
    MR_TRY(mr_bind_expr(b, call->args.items[0], &args[0]));
    for (size_t i = 0; i < sizeof forms / sizeof forms[0] && form->kind == MR_AST_COLUMN; i++) {
        const MrAstColumn *word = MR_AST_AS(const MrAstColumn, form);
        if (word->parts.count == 1 && strcmp(word->parts.items[0], forms[i]) == 0) {
            MR_TRY(bind_text(b, call, forms[i], &args[1]));
        }
    }
    if (args[1] == NULL) {
        MR_TRY(mr_bind_expr(b, form, &args[1]));
    }
    return mr_bind_function(b, "normalize", args, 2, call->base.position, out);
}

/* (a, b) OVERLAPS (c, d): a pair is two times, or a time and a length. */
static MrStatus bind_overlaps(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    MrExpr *args[4];
    const int32_t position = call->base.position;
    for (uint32_t i = 0; i < 4; i++) {
        MR_TRY(mr_bind_expr(b, call->args.items[i], &args[i]));
    }
    for (uint32_t i = 1; i < 4; i += 2) {
        if (args[i]->type.id == MR_TYPE_INTERVAL) {
            MR_TRY(mr_bind_operator(b, "+", args[i - 1], args[i], position, &args[i]));
        }
    }
    MR_TRY(mr_bind_function(b, "overlaps", args, 4, position, out));
    return *out != NULL ? MR_OK : mr_function_missing(b, "overlaps", args, 4, position);
}

/* ---- The table --------------------------------------------------------------------------- */

static const struct Special {
    const char *name;
    uint32_t args_min, args_max;
    bool plain_too; /* callable as a function; else only as the keyword */
    SpecialBind *bind;
} specials[] = {
    { "now", 0, 0, true, bind_now },
    { "transaction_timestamp", 0, 0, true, bind_now },
    { "clock_timestamp", 0, 0, true, bind_clock },
    { "statement_timestamp", 0, 0, true, bind_now },
    { "current_timestamp", 0, 1, false, bind_now },
    { "localtimestamp", 0, 1, false, bind_localtimestamp },
    { "localtime", 0, 1, false, bind_localtime },
    { "current_date", 0, 0, false, bind_current_date },
    { "current_time", 0, 1, false, bind_current_time },
    { "proctime", 0, 0, true, bind_proctime },
    { "current_user", 0, 0, false, bind_user },
    { "session_user", 0, 0, false, bind_user },
    { "user", 0, 0, false, bind_user },
    { "current_role", 0, 0, false, bind_user },
    { "current_catalog", 0, 0, false, bind_database },
    { "current_database", 0, 0, true, bind_database },
    { "current_schema", 0, 0, true, bind_schema },
    { "version", 0, 0, true, bind_version },
    { "current_setting", 1, 2, true, bind_setting },
    { "pg_typeof", 1, 1, true, bind_typeof },
    { "current_watermark", 1, 1, true, bind_watermark },
    { "age", 1, 1, true, bind_age },
    { "normalize", 2, 2, true, bind_normalize },
    { "overlaps", 4, 4, true, bind_overlaps },
    { "coalesce", 1, UINT32_MAX, false, bind_coalesce },
    { "greatest", 1, UINT32_MAX, false, bind_greatest },
    { "least", 1, UINT32_MAX, false, bind_least },
    { "nullif", 2, 2, false, bind_nullif },
};

static const struct Special *special_find(const MrAstCall *call)
{
    bool is_keyword = call->form == MR_CALL_KEYWORD || call->form == MR_CALL_SPECIAL;
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++) {
        const struct Special *special = &specials[i];
        if (strcmp(special->name, call->name.name) == 0 && (is_keyword || special->plain_too) &&
            call->args.count >= special->args_min && call->args.count <= special->args_max) {
            return special;
        }
    }
    return NULL;
}

bool mr_bind_is_moment(const MrAstCall *call)
{
    static SpecialBind *const moments[] = { bind_now,       bind_clock,        bind_localtimestamp,
                                            bind_localtime, bind_current_date, bind_proctime,
                                            bind_age };
    const struct Special *special = special_find(call);
    for (size_t i = 0; special != NULL && i < sizeof moments / sizeof moments[0]; i++) {
        if (special->bind == moments[i]) {
            return true;
        }
    }
    return false;
}

MrStatus mr_bind_special(MrBinder *b, const MrAstCall *call, MrExpr **out)
{
    const struct Special *special = special_find(call);
    *out = NULL;
    return special != NULL ? special->bind(b, call, out) : MR_OK;
}
