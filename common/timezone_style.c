/*
 * common/timezone_style.c - zones that carry the style in which values are written and read.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/timezone_rules.h"

static pthread_mutex_t styled_lock = PTHREAD_MUTEX_INITIALIZER;
static const MrTimezone *styled; /* never freed, so that pointers stay good */

const MrTextStyle *mr_timezone_style(const MrTimezone *zone)
{
    return zone == NULL || zone->plain == NULL ? &mr_text_style_usual : &zone->style;
}

MrIntervalStyle mr_timezone_interval_style(const MrTimezone *zone)
{
    return (MrIntervalStyle)mr_timezone_style(zone)->interval;
}

const char *mr_timezone_stored_name(const MrTimezone *zone)
{
    return zone != NULL && zone->stored_name != NULL ? zone->stored_name : mr_timezone_name(zone);
}

static const MrTimezone *find_styled(const MrTimezone *zone, const MrTextStyle *style)
{
    const MrTimezone *found = styled;
    while (found != NULL &&
           (!mr_text_style_equal(&found->style, style) || strcmp(found->name, zone->name) != 0)) {
        found = found->next;
    }
    return found;
}

static char *stored_name(const MrTimezone *zone, const MrTextStyle *style)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    mr_builder_append_string(&text, zone->name);
    mr_text_style_write(style, &text);
    const char *whole = mr_builder_text(&text);
    char *copy = whole == NULL ? NULL : strdup(whole);
    mr_builder_fini(&text);
    return copy;
}

/* Shares what the zone holds, which is never freed either. */
static const MrTimezone *make_styled(const MrTimezone *zone, const MrTextStyle *style)
{
    MrTimezone *made = malloc(sizeof *made);
    char *stored = stored_name(zone, style);
    if (made == NULL || stored == NULL) {
        free(made);
        free(stored);
        return NULL;
    }
    *made = *zone;
    made->style = *style;
    made->stored_name = stored;
    made->plain = zone;
    made->next = styled;
    styled = made;
    return made;
}

MrStatus mr_timezone_with_style(const MrTimezone *zone, const MrTextStyle *style,
                                const MrTimezone **out, MrError *err)
{
    *out = zone == NULL ? mr_timezone_utc() : zone->plain != NULL ? zone->plain : zone;
    if (mr_text_style_equal(style, &mr_text_style_usual)) {
        return MR_OK;
    }
    pthread_mutex_lock(&styled_lock);
    const MrTimezone *found = find_styled(*out, style);
    found = found != NULL ? found : make_styled(*out, style);
    pthread_mutex_unlock(&styled_lock);
    *out = found;
    return found != NULL ? MR_OK : mr_error_no_memory(err);
}

MrStatus mr_timezone_find_stored(MrString name, const MrTimezone **out, MrError *err)
{
    MrTextStyle style;
    const char *mark = memchr(name.data, ';', name.length); /* no zone's name has one */
    const size_t length = mark != NULL ? (size_t)(mark - name.data) : name.length;
    if (!mr_text_style_read((MrString){ name.data + length, name.length - length }, &style)) {
        return mr_timezone_find(name, out, err); /* which says that there is no such zone */
    }
    MR_TRY(mr_timezone_find((MrString){ name.data, length }, out, err));
    return mr_timezone_with_style(*out, &style, out, err);
}
