/*
 * server/search_path.c - the setting search_path: a list of names, as PostgreSQL reads it, to the
 * schemas of it that exist.
 */
#include "planner/search_path.h"

#include "common/identifier_list.h"
#include "server/pgcatalog/pgcatalog.h"
#include "server/statement.h"

/* "$user" would be a schema of the user's; the system's schemas are nobody's, and there is no
 * other: also for a user whose name is that of one. */
MrStatus mr_search_path_parse(MrString list, MrSearchPath *out, MrError *err)
{
    MrIdentifierList names = mr_identifier_list(list);
    *out = (MrSearchPath){ .count = 0 };
    while (mr_identifier_list_next(&names)) {
        const char *schema_name = mr_pg_schema_known(names.name);
        if (schema_name != NULL) {
            mr_search_path_add(out, schema_name);
        }
    }
    if (names.is_wrong) {
        mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                     "invalid value for parameter \"search_path\": \"%.*s\"",
                     (int)mr_utf8_truncate(list.data, list.length, 100), list.data);
        return mr_error_detail(err, "List syntax is invalid.");
    }
    mr_search_path_finish(out);
    return MR_OK;
}

void mr_session_search_path(const MrSession *session, MrSearchPath *out)
{
    MrError ignored = MR_ERROR_INIT; /* whoever set it has checked it */
    const char *text = mr_settings_text(session->settings, MR_SET_SEARCH_PATH);
    if (text == NULL || mr_search_path_parse(mr_string(text), out, &ignored) != MR_OK) {
        *out = mr_search_path_usual;
    }
}
