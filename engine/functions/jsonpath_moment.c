/*
 * engine/functions/jsonpath_moment.c - .datetime() of SQL/JSON paths: strings read as dates and
 * times, which compare as such, and .keyvalue().
 * While a path is followed a moment is a mark and the struct behind it.
 */
#include "common/datetime_template.h"
#include "engine/functions/datetime_cells.h"
#include "engine/functions/jsonpath_run.h"
#include "engine/kernel_template.h"
#include "storage/jsonwalk.h"

typedef struct Moment {
    char mark;
    MrTemplateMoment value;
} Moment;

static MrTemplateMoment moment_of(MrString item)
{
    Moment moment;
    memcpy(&moment, item.data, sizeof moment);
    return moment.value;
}

static const char *type_text(MrTemplateKind kind)
{
    static const char *const names[] = { [MR_TEMPLATE_DATE] = "date",
                                         [MR_TEMPLATE_TIME] = "time without time zone",
                                         [MR_TEMPLATE_TIMETZ] = "time with time zone",
                                         [MR_TEMPLATE_TIMESTAMP] = "timestamp without time zone",
                                         [MR_TEMPLATE_TIMESTAMPTZ] = "timestamp with time zone" };
    return names[kind];
}

MrString mr_path_moment_type(MrString moment)
{
    switch (moment_of(moment).kind) {
    case MR_TEMPLATE_DATE: return MR_STRING("\"date\"");
    case MR_TEMPLATE_TIME: return MR_STRING("\"time without time zone\"");
    case MR_TEMPLATE_TIMETZ: return MR_STRING("\"time with time zone\"");
    case MR_TEMPLATE_TIMESTAMP: return MR_STRING("\"timestamp without time zone\"");
    default: return MR_STRING("\"timestamp with time zone\"");
    }
}

/* ---- As text ------------------------------------------------------------------------------- */

/* XML's form: T between date and time, the offset always with its minutes. */
static size_t format_local(const MrTemplateMoment *moment, char *text)
{
    switch (moment->kind) {
    case MR_TEMPLATE_DATE: return mr_date_format(moment->days, text);
    case MR_TEMPLATE_TIME:
    case MR_TEMPLATE_TIMETZ: return mr_time_format(moment->us, text);
    default: {
        const int64_t shift = moment->kind == MR_TEMPLATE_TIMESTAMPTZ
                                  ? (int64_t)moment->offset * MR_US_PER_SECOND
                                  : 0;
        const size_t length = mr_timestamp_format(moment->us + shift, text);
        char *blank = memchr(text, ' ', length);
        *blank = 'T';
        return length;
    }
    }
}

MrPathResult mr_path_moment_text(MrPathRun *run, MrString moment, MrString *out)
{
    const MrTemplateMoment value = moment_of(moment);
    char text[MR_DATETIME_TEXT_MAX + 16] = "\"";
    size_t length = 1 + format_local(&value, text + 1);
    if (value.kind == MR_TEMPLATE_TIMETZ || value.kind == MR_TEMPLATE_TIMESTAMPTZ) {
        const bool is_bc = length > 3 && memcmp(text + length - 3, " BC", 3) == 0;
        length -= is_bc ? 3 : 0;
        const size_t start = length;
        length += mr_zone_offset_format(value.offset, text + length);
        if (length - start == 3) {
            memcpy(text + length, ":00", 3);
            length += 3;
        }
        memcpy(text + length, " BC", is_bc ? 3 : 0);
        length += is_bc ? 3 : 0;
    }
    text[length++] = '"';
    const char *copy = mr_path_keep(run, text, length);
    *out = (MrString){ copy, length };
    return copy == NULL ? MR_PATH_FAILED : MR_PATH_FOUND;
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* What is tried where no template is given: ISO 8601, as PostgreSQL lists it. */
static const char *const known_templates[MR_PATH_TEMPLATE_COUNT] = {
    "yyyy-mm-dd",
    "HH24:MI:SS.USTZH:TZM",
    "HH24:MI:SS.USTZH",
    "HH24:MI:SSTZH:TZM",
    "HH24:MI:SSTZH",
    "HH24:MI:SS.US",
    "HH24:MI:SS",
    "yyyy-mm-dd HH24:MI:SS.USTZH:TZM",
    "yyyy-mm-dd HH24:MI:SS.USTZH",
    "yyyy-mm-dd HH24:MI:SSTZH:TZM",
    "yyyy-mm-dd HH24:MI:SSTZH",
    "yyyy-mm-dd\"T\"HH24:MI:SS.USTZH:TZM",
    "yyyy-mm-dd\"T\"HH24:MI:SS.USTZH",
    "yyyy-mm-dd\"T\"HH24:MI:SSTZH:TZM",
    "yyyy-mm-dd\"T\"HH24:MI:SSTZH",
    "yyyy-mm-dd HH24:MI:SS.US",
    "yyyy-mm-dd HH24:MI:SS",
    "yyyy-mm-dd\"T\"HH24:MI:SS.US",
    "yyyy-mm-dd\"T\"HH24:MI:SS",
};

static MrStatus read_any(MrPathRun *run, MrString text, MrTemplateMoment *out)
{
    for (size_t i = 0; i < MR_PATH_TEMPLATE_COUNT; i++) {
        MrDatetimeTemplate **template = &run->templates->known[i];
        MrError ignored = MR_ERROR_INIT;
        if (*template == NULL &&
            mr_datetime_template_create(run->arena, mr_string(known_templates[i]), template,
                                        run->err) != MR_OK) {
            mr_path_give_up(run);
            return run->err->status;
        }
        if (mr_moment_from_template(*template, text, out, &ignored) == MR_OK) {
            return MR_OK;
        }
    }
    mr_error_set(run->err, MR_ERR_JSON_DATETIME, "datetime format is not recognized: \"%.*s\"",
                 (int)(text.length < 200 ? text.length : 200), text.data);
    return mr_error_hint(run->err,
                         "Use a datetime template argument to specify the input data format.");
}

MrPathResult mr_path_datetime(MrPathRun *run, const MrPathNode *node, MrString value,
                              MrPathItems *found)
{
    MrBuilder text;
    Moment moment;
    if (!mr_path_is_string(value)) {
        return mr_path_fail(run, MR_ERR_JSON_DATETIME,
                            "jsonpath item method .%s() can only be applied to a string",
                            mr_path_word(node->kind));
    }
    memset(&moment, 0, sizeof moment);
    moment.mark = MR_PATH_MOMENT;
    mr_builder_init(&text, 0);
    MrStatus status = mr_json_string_text(value, &text, run->err);
    const MrString inside = { text.data != NULL ? text.data : "", text.length };
    if (status == MR_OK) {
        status = node->template != NULL
                     ? mr_moment_from_template(node->template, inside, &moment.value, run->err)
                     : read_any(run, inside, &moment.value);
    }
    mr_builder_fini(&text);
    const char *copy = status == MR_OK ? mr_path_keep(run, &moment, sizeof moment) : NULL;
    return copy == NULL ? MR_PATH_FAILED
                        : mr_path_go_on(run, node, (MrString){ copy, sizeof moment }, found);
}

/* ---- Comparing ----------------------------------------------------------------------------- */

static bool has_date(const MrTemplateMoment *moment)
{
    return moment->kind != MR_TEMPLATE_TIME && moment->kind != MR_TEMPLATE_TIMETZ;
}
static bool has_zone(const MrTemplateMoment *moment)
{
    return moment->kind == MR_TEMPLATE_TIMETZ || moment->kind == MR_TEMPLATE_TIMESTAMPTZ;
}

/* A time in the other's terms: with its zone, at midnight. */
static MrTimetz timetz_of(const MrPathRun *run, const MrTemplateMoment *moment, bool zoned)
{
    const bool is_local = zoned && !has_zone(moment);
    return mr_timetz(moment->us,
                     is_local ? mr_timezone_standard_offset(run->zone) : moment->offset);
}
static __int128 us_of(const MrPathRun *run, const MrTemplateMoment *moment, bool zoned)
{
    int64_t midnight;
    if (moment->kind != MR_TEMPLATE_DATE) {
        return zoned && !has_zone(moment) ? mr_local_to_utc(run->zone, moment->us) : moment->us;
    }
    if (!mr_date_to_timestamp(moment->days, &midnight)) {
        return (__int128)moment->days * MR_US_PER_DAY; /* beyond all timestamps */
    }
    return zoned ? mr_local_to_utc(run->zone, midnight) : midnight;
}

MrPathTruth mr_path_moment_compare(MrPathRun *run, MrString left, MrString right, int *order)
{
    const MrTemplateMoment a = moment_of(left), b = moment_of(right);
    const bool zoned = has_zone(&a) || has_zone(&b);
    if (has_date(&a) != has_date(&b)) {
        return MR_PATH_UNKNOWN;
    }
    if (has_zone(&a) != has_zone(&b) && run->zone == NULL) {
        const MrTemplateMoment *from = has_zone(&a) ? &b : &a, *to = has_zone(&a) ? &a : &b;
        mr_error_set(run->err, MR_ERR_UNSUPPORTED,
                     "cannot convert value from %s to %s without time zone usage",
                     type_text(from->kind), type_text(to->kind));
        mr_error_hint(run->err, "Use *_tz() function for time zone support.");
        mr_path_give_up(run);
        return MR_PATH_UNKNOWN;
    }
    if (!has_date(&a)) {
        const MrTimetz x = timetz_of(run, &a, zoned), y = timetz_of(run, &b, zoned);
        *order = mr_timetz_compare(&x, &y);
        return MR_PATH_IS_TRUE;
    }
    const __int128 x = us_of(run, &a, zoned), y = us_of(run, &b, zoned);
    *order = (x > y) - (x < y);
    return MR_PATH_IS_TRUE;
}

/* ---- .keyvalue() --------------------------------------------------------------------------- */

/* Tells objects apart: the place in the value, in the variables, or among those that were made. */
static int64_t object_id(MrPathRun *run, MrString object)
{
    enum { ROOT, VARIABLES, MADE };
    const int64_t kind = INT64_C(10000000000);
    const uintptr_t at = (uintptr_t)object.data;
    const uintptr_t root = (uintptr_t)run->root.data, variables = (uintptr_t)run->variables.data;
    if (at >= root && at < root + run->root.length) {
        return ROOT * kind + (int64_t)(at - root);
    }
    if (at >= variables && at < variables + run->variables.length) {
        return VARIABLES * kind + (int64_t)(at - variables);
    }
    return MADE * kind + run->made++;
}

MrPathResult mr_path_keyvalue(MrPathRun *run, const MrPathNode *node, MrString value,
                              MrPathItems *found)
{
    MrPathResult result = MR_PATH_NOT_FOUND;
    MrString name, member;
    if (!mr_path_is_object(value)) {
        return mr_path_fail(run, MR_ERR_JSON_OBJECT_NOT_FOUND,
                            "jsonpath item method .%s() can only be applied to an object",
                            mr_path_word(node->kind));
    }
    const int64_t id = object_id(run, value);
    MrJsonItems members = mr_json_items(value);
    while (mr_json_next(&members, &name, &member)) {
        MrBuilder text;
        member = mr_json_trim(member);
        mr_builder_init(&text, MR_TEXT_BYTES_MAX);
        mr_builder_append_format(&text, "{\"id\": %lld, \"key\": ", (long long)id);
        mr_builder_append(&text, name.data, name.length);
        mr_builder_append_string(&text, ", \"value\": ");
        mr_builder_append(&text, member.data, member.length);
        mr_builder_append_char(&text, '}');
        if (text.failed) {
            mr_builder_fini(&text);
            return mr_path_no_memory(run);
        }
        const char *copy = mr_path_keep(run, text.data, text.length);
        const MrString object = { copy, text.length };
        mr_builder_fini(&text);
        if (copy == NULL) {
            return MR_PATH_FAILED;
        }
        result = mr_path_go_on(run, node, object, found);
        if (result == MR_PATH_FAILED || (result == MR_PATH_FOUND && found == NULL)) {
            return result;
        }
    }
    return result;
}
