/*
 * server/pgcatalog/roles.c - roles in their four views.  Everybody who may log in may do all that
 * the server does; there are no memberships.
 */
#include "server/pgcatalog/version.h"

static const char *hidden_password(const MrPgRole *role)
{
    return role->has_password ? "********" : NULL;
}

static void add_rights(MrRows *rows, const MrPgRole *role)
{
    bool is_owner = role->number == MR_PG_ROLE_OWNER;
    mr_rows_bool(rows, is_owner); /* rolsuper */
    mr_rows_bool(rows, true);     /* rolinherit */
    mr_rows_bool(rows, is_owner); /* rolcreaterole */
    mr_rows_bool(rows, is_owner); /* rolcreatedb */
    mr_rows_bool(rows, role->can_login);
    mr_rows_bool(rows, false); /* rolreplication */
}

void mr_pg_fill_authids(const MrPgNames *names, MrRows *rows)
{
    for (uint32_t i = 0; i < names->pg->role_count; i++) {
        const MrPgRole *role = &names->pg->roles[i];
        mr_rows_begin(rows);
        mr_rows_int(rows, role->number);
        mr_rows_text(rows, role->name);
        add_rights(rows, role);
        mr_rows_bool(rows, false); /* rolbypassrls */
        mr_rows_int(rows, -1);     /* rolconnlimit */
        mr_rows_text(rows, hidden_password(role));
    }
}

void mr_pg_fill_roles(const MrPgNames *names, MrRows *rows)
{
    for (uint32_t i = 0; i < names->pg->role_count; i++) {
        const MrPgRole *role = &names->pg->roles[i];
        mr_rows_begin(rows);
        mr_rows_text(rows, role->name);
        add_rights(rows, role);
        mr_rows_int(rows, -1);
        mr_rows_text(rows, "********");
        mr_rows_null(rows); /* rolvaliduntil */
        mr_rows_bool(rows, false);
        mr_rows_null(rows); /* rolconfig */
        mr_rows_int(rows, role->number);
    }
}

static void add_user(MrRows *rows, const MrPgRole *role)
{
    bool is_owner = role->number == MR_PG_ROLE_OWNER;
    if (!role->can_login) {
        return;
    }
    mr_rows_begin(rows);
    mr_rows_text(rows, role->name);
    mr_rows_int(rows, role->number);
    mr_rows_bool(rows, is_owner);
    mr_rows_bool(rows, is_owner);
    mr_rows_bool(rows, false);
    mr_rows_bool(rows, false);
    mr_rows_text(rows, "********");
}

void mr_pg_fill_users(const MrPgNames *names, MrRows *rows)
{
    for (uint32_t i = 0; i < names->pg->role_count; i++) {
        add_user(rows, &names->pg->roles[i]);
    }
}

void mr_pg_fill_shadows(const MrPgNames *names, MrRows *rows)
{
    mr_pg_fill_users(names, rows);
}

void mr_pg_fill_enabled_roles(const MrPgNames *names, MrRows *rows)
{
    for (uint32_t i = 0; i < names->pg->role_count; i++) {
        mr_rows_begin(rows);
        mr_rows_text(rows, names->pg->roles[i].name);
    }
}
