/*
 * planner/statistics.c - see statistics.h.  The text is "stream:column=value " for each answer,
 * column -1 for the rows.
 */
#include "planner/statistics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void entry_name(const MrRelation *relation, int32_t column, char *out, size_t size)
{
    snprintf(out, size, "%u:%d=", relation->stream->id, (int)column);
}

static bool find_entry(const char *text, const char *name, int64_t *out)
{
    const size_t length = strlen(name);
    while (*text != '\0') {
        if (strncmp(text, name, length) == 0) {
            *out = strtoll(text + length, NULL, 10);
            return true;
        }
        text += strcspn(text, " ");
        text += strspn(text, " ");
    }
    return false;
}

int64_t mr_statistics_recall(void *context, const MrRelation *relation, int32_t column)
{
    char name[40];
    int64_t value;
    if (context == NULL || relation->stream == NULL) {
        return -1;
    }
    entry_name(relation, column, name, sizeof name);
    return find_entry(context, name, &value) ? value : -1;
}

int64_t mr_statistics_note(void *context, const MrRelation *relation, int32_t column)
{
    MrStatisticsNotes *notes = context;
    char name[40];
    int64_t value;
    if (relation->stream == NULL) {
        return -1;
    }
    entry_name(relation, column, name, sizeof name);
    if (notes->text != NULL && find_entry(notes->text, name, &value)) {
        return value;
    }
    if (notes->ask == NULL) {
        return -1;
    }
    value = notes->ask(notes->context, relation, column);
    const char *text = mr_arena_printf(notes->arena, "%s%s%" PRId64 " ",
                                       notes->text == NULL ? "" : notes->text, name, value);
    notes->text = text == NULL ? notes->text : text;
    return text == NULL ? -1 : value; /* what cannot be kept is not known */
}

double mr_statistics_distinct(double total, double sampled, double distinct, double once)
{
    if (sampled < 1) {
        return 0;
    }
    double estimate = sampled * distinct / (sampled - once + once * sampled / total);
    return estimate < distinct ? distinct : estimate > total ? total : estimate;
}
