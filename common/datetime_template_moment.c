/*
 * common/datetime_template_moment.c - SQL/JSON's .datetime(template): the template says what kind
 * of date or time the text is, and must fit it in full.
 */
#include <string.h>

#include "common/datetime_pattern.h"

static bool is_of_time(MrPatternKey key)
{
    switch (key) {
    case MR_PATTERN_AM:
    case MR_PATTERN_A_M:
    case MR_PATTERN_HH12:
    case MR_PATTERN_HH24:
    case MR_PATTERN_MI:
    case MR_PATTERN_SS:
    case MR_PATTERN_SSSS:
    case MR_PATTERN_MS:
    case MR_PATTERN_US:
    case MR_PATTERN_FF: return true;
    default: return false;
    }
}

static MrStatus strict_separator(const MrTemplateNode *node, MrError *err)
{
    if (node->is_quoted || (node->length == 1 && strchr("-./,':; ", node->text[0]) != NULL)) {
        return MR_OK;
    }
    return mr_error_set(err, MR_ERR_INVALID_DATETIME, "invalid datetime format separator: \"%.*s\"",
                        (int)node->length, node->text);
}

static MrStatus template_kind(const MrDatetimeTemplate *template, MrTemplateKind *out, MrError *err)
{
    bool dated = false, timed = false, zoned = false;
    for (size_t i = 0; i < template->node_count; i++) {
        const MrTemplateNode *node = &template->nodes[i];
        if (node->kind != MR_NODE_FIELD) {
            MR_TRY(strict_separator(node, err));
            continue;
        }
        const bool is_zone = node->key == MR_PATTERN_TZ || node->key == MR_PATTERN_OF ||
                             node->key == MR_PATTERN_TZH || node->key == MR_PATTERN_TZM;
        zoned = zoned || is_zone;
        timed = timed || is_of_time(node->key);
        dated = dated || !(is_zone || is_of_time(node->key) || node->key == MR_PATTERN_FX);
    }
    if (!dated && !timed) {
        return mr_error_set(err, MR_ERR_INVALID_DATETIME,
                            "datetime format is not dated and not timed");
    }
    if (!timed && zoned) {
        return mr_error_set(err, MR_ERR_INVALID_DATETIME, "datetime format is zoned but not timed");
    }
    *out = !timed  ? MR_TEMPLATE_DATE
           : dated ? (zoned ? MR_TEMPLATE_TIMESTAMPTZ : MR_TEMPLATE_TIMESTAMP)
                   : (zoned ? MR_TEMPLATE_TIMETZ : MR_TEMPLATE_TIME);
    return MR_OK;
}

MrStatus mr_moment_from_template(const MrDatetimeTemplate *template, MrString text,
                                 MrTemplateMoment *out, MrError *err)
{
    MrTemplateFields fields;
    int64_t days, us;
    *out = (MrTemplateMoment){ 0 };
    MR_TRY(template_kind(template, &out->kind, err));
    MR_TRY(mr_template_read_strict(template, text, &fields, &days, &us, err));
    if (days < -2440588 || days > 2145042540) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "date out of range: \"%.*s\"",
                            (int)(text.length < 400 ? text.length : 400), text.data);
    }
    const bool has_date = out->kind != MR_TEMPLATE_TIME && out->kind != MR_TEMPLATE_TIMETZ;
    out->offset = fields.zone_sign * (fields.zone_hour * 3600 + fields.zone_minute * 60);
    out->days = (int32_t)days;
    const __int128 local = (__int128)(has_date ? days : 0) * MR_US_PER_DAY + us;
    if (out->kind != MR_TEMPLATE_DATE && local >= INT64_MAX - MR_US_PER_DAY) {
        return mr_error_set(err, MR_ERR_DATETIME_OVERFLOW, "timestamp out of range");
    }
    out->us = out->kind == MR_TEMPLATE_DATE ? 0 : (int64_t)local;
    if (out->kind == MR_TEMPLATE_TIMESTAMPTZ) {
        out->us -= out->offset * MR_US_PER_SECOND;
    }
    return MR_OK;
}
