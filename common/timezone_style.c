/*
 * common/timezone_style.c - zones that carry the style in which lengths of time are written.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/timezone_rules.h"

static const char *const style_names[] = {
    [MR_INTERVAL_POSTGRES] = "postgres",
    [MR_INTERVAL_POSTGRES_VERBOSE] = "postgres_verbose",
    [MR_INTERVAL_SQL_STANDARD] = "sql_standard",
    [MR_INTERVAL_ISO_8601] = "iso_8601",
};
enum { STYLES = sizeof style_names / sizeof style_names[0] };

/* Between the zone's name and the style's, in what is stored. */
static const char style_mark[] = "; IntervalStyle=";

static pthread_mutex_t styled_lock = PTHREAD_MUTEX_INITIALIZER;
static const MrTimezone *styled; /* never freed, so that pointers stay good */

bool mr_interval_style_find(MrString name, MrIntervalStyle *out)
{
    for (int style = 0; style < STYLES; style++) {
        if (mr_string_equal_nocase(name, mr_string(style_names[style]))) {
            *out = (MrIntervalStyle)style;
            return true;
        }
    }
    return false;
}

const char *mr_interval_style_name(MrIntervalStyle style)
{
    return style_names[style];
}

MrIntervalStyle mr_timezone_interval_style(const MrTimezone *zone)
{
    return zone == NULL ? MR_INTERVAL_POSTGRES : (MrIntervalStyle)zone->interval_style;
}

const char *mr_timezone_stored_name(const MrTimezone *zone)
{
    return zone != NULL && zone->stored_name != NULL ? zone->stored_name : mr_timezone_name(zone);
}

static const MrTimezone *find_styled(const MrTimezone *zone, MrIntervalStyle style)
{
    const MrTimezone *found = styled;
    while (found != NULL &&
           (found->interval_style != style || strcmp(found->name, zone->name) != 0)) {
        found = found->next;
    }
    return found;
}

/* Shares what the zone holds, which is never freed either. */
static const MrTimezone *make_styled(const MrTimezone *zone, MrIntervalStyle style)
{
    MrTimezone *made = malloc(sizeof *made);
    const size_t room = sizeof zone->name + sizeof style_mark + 32;
    char *stored = malloc(room);
    if (made == NULL || stored == NULL) {
        free(made);
        free(stored);
        return NULL;
    }
    *made = *zone;
    snprintf(stored, room, "%s%s%s", zone->name, style_mark, style_names[style]);
    made->interval_style = (uint8_t)style;
    made->stored_name = stored;
    made->plain = zone->plain != NULL ? zone->plain : zone;
    made->next = styled;
    styled = made;
    return made;
}

MrStatus mr_timezone_with_style(const MrTimezone *zone, MrIntervalStyle style,
                                const MrTimezone **out, MrError *err)
{
    *out = zone == NULL ? mr_timezone_utc() : zone->plain != NULL ? zone->plain : zone;
    if (style == MR_INTERVAL_POSTGRES) {
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
    const size_t mark = sizeof style_mark - 1;
    MrIntervalStyle style;
    for (size_t at = 0; at + mark <= name.length; at++) {
        const MrString rest = { name.data + at + mark, name.length - at - mark };
        if (memcmp(name.data + at, style_mark, mark) == 0 && mr_interval_style_find(rest, &style)) {
            MR_TRY(mr_timezone_find((MrString){ name.data, at }, out, err));
            return mr_timezone_with_style(*out, style, out, err);
        }
    }
    return mr_timezone_find(name, out, err);
}
