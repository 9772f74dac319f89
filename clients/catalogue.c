/*
 * clients/catalogue.c - psql's lists of what a database has besides relations: types, operators,
 * casts, roles, privileges.  Each is one SELECT over pg_catalog with psql's columns.  Without a
 * pattern they list the server's own things too, which psql hides: there are hardly any others.
 */
#include <stdlib.h>
#include <string.h>

#include "clients/commands.h"
#include "clients/execute.h"
#include "clients/pattern.h"
#include "clients/show.h"

typedef struct CatalogueList {
    const char *command;
    const char *title;
    const char *columns;
    const char *more; /* further ones with +, before `last` */
    const char *last; /* columns behind those */
    const char *from; /* with its WHERE, that of the pattern follows */
    MrPatternColumns pattern;
    const char *order;
    const char *hidden; /* a condition where neither S nor a pattern is given; NULL: none */
    const char *footer; /* NULL: the number of rows */
} CatalogueList;

#define ACL(column) "pg_catalog.array_to_string(" column ", E'\\n') AS \"Access privileges\""
#define OWNER(column) "pg_catalog.pg_get_userbyid(" column ") AS \"Owner\""

static const CatalogueList lists[] = {
    { "dA",
      "List of access methods",
      "amname AS \"Name\", CASE amtype WHEN 'i' THEN 'Index' WHEN 't' THEN 'Table' END AS \"Type\"",
      ", amhandler AS \"Handler\", pg_catalog.obj_description(oid, 'pg_am') AS \"Description\"",
      "",
      "pg_catalog.pg_am WHERE true",
      { NULL, { "amname" }, NULL, false },
      "1",
      NULL,
      NULL },
    { "db",
      "List of tablespaces",
      "spcname AS \"Name\", " OWNER("spcowner") ", pg_catalog.pg_tablespace_location(oid) AS "
                                                "\"Location\"",
      ", " ACL(
          "spcacl") ", spcoptions AS \"Options\", pg_catalog.pg_size_pretty("
                    "pg_catalog.pg_tablespace_size(oid)) AS \"Size\", pg_catalog.shobj_description(oid, "
                    "'pg_tablespace') AS \"Description\"",
      "",
      "pg_catalog.pg_tablespace WHERE true",
      { NULL, { "spcname" }, NULL, false },
      "1",
      NULL,
      NULL },
    { "dC",
      "List of casts",
      "pg_catalog.format_type(castsource, NULL) AS \"Source type\", "
      "pg_catalog.format_type(casttarget, NULL) AS \"Target type\", "
      "CASE c.castmethod WHEN 'b' THEN '(binary coercible)' WHEN 'i' THEN '(with inout)' "
      "ELSE p.proname END AS \"Function\", CASE c.castcontext WHEN 'e' THEN 'no' WHEN 'a' THEN "
      "'in assignment' ELSE 'yes' END AS \"Implicit?\"",
      ", pg_catalog.obj_description(c.oid, 'pg_cast') AS \"Description\"",
      "",
      "pg_catalog.pg_cast c LEFT JOIN pg_catalog.pg_proc p ON p.oid = c.castfunc "
      "LEFT JOIN pg_catalog.pg_type s ON s.oid = c.castsource "
      "LEFT JOIN pg_catalog.pg_type t ON t.oid = c.casttarget WHERE true",
      { NULL,
        { "s.typname", "pg_catalog.format_type(s.oid, NULL)", "t.typname",
          "pg_catalog.format_type(t.oid, NULL)" },
        NULL,
        false },
      "1, 2",
      NULL,
      NULL },
    { "ddp",
      "Default access privileges",
      OWNER(
          "d.defaclrole") ", n.nspname AS \"Schema\", CASE d.defaclobjtype WHEN 'r' THEN 'table' "
                          "WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'function' WHEN 'T' THEN 'type' WHEN 'n' THEN "
                          "'schema' END AS \"Type\", " ACL("d.defaclacl"),
      "",
      "",
      "pg_catalog.pg_default_acl d LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace "
      "WHERE true",
      { NULL, { "n.nspname", "pg_catalog.pg_get_userbyid(d.defaclrole)" }, NULL, false },
      "1, 2, 3",
      NULL,
      NULL },
    { "dD",
      "List of domains",
      "n.nspname AS \"Schema\", t.typname AS \"Name\", pg_catalog.format_type(t.typbasetype, "
      "t.typtypmod) AS \"Type\", (SELECT c.collname FROM pg_catalog.pg_collation c, "
      "pg_catalog.pg_type bt WHERE c.oid = t.typcollation AND bt.oid = t.typbasetype AND "
      "t.typcollation <> bt.typcollation) AS \"Collation\", CASE WHEN t.typnotnull THEN 'not null' "
      "END AS \"Nullable\", t.typdefault AS \"Default\", pg_catalog.array_to_string(ARRAY(SELECT "
      "pg_catalog.pg_get_constraintdef(r.oid, true) FROM pg_catalog.pg_constraint r WHERE t.oid = "
      "r.contypid), ' ') AS \"Check\"",
      ", " ACL("t.typacl") ", pg_catalog.obj_description(t.oid, 'pg_type') AS \"Description\"",
      "",
      "pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace "
      "WHERE t.typtype = 'd'",
      { "n.nspname", { "t.typname" }, "pg_catalog.pg_type_is_visible(t.oid)", false },
      "1, 2",
      NULL,
      NULL },
    { "dn",
      "List of schemas",
      "n.nspname AS \"Name\", " OWNER("n.nspowner"),
      ", " ACL("n.nspacl") ", pg_catalog.obj_description(n.oid, 'pg_namespace') AS \"Description\"",
      "",
      "pg_catalog.pg_namespace n WHERE true",
      { NULL, { "n.nspname" }, NULL, false },
      "1",
      "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'",
      NULL },
    { "do",
      "List of operators",
      "n.nspname AS \"Schema\", o.oprname AS \"Name\", CASE WHEN o.oprkind = 'l' THEN NULL ELSE "
      "pg_catalog.format_type(o.oprleft, NULL) END AS \"Left arg type\", CASE WHEN o.oprkind = 'r' "
      "THEN NULL ELSE pg_catalog.format_type(o.oprright, NULL) END AS \"Right arg type\", "
      "pg_catalog.format_type(o.oprresult, NULL) AS \"Result type\"",
      ", o.oprcode AS \"Function\"",
      ", coalesce(pg_catalog.obj_description(o.oid, 'pg_operator'), "
      "pg_catalog.obj_description(o.oprcode, 'pg_proc')) AS \"Description\"",
      "pg_catalog.pg_operator o LEFT JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace "
      "WHERE true",
      { "n.nspname", { "o.oprname" }, "pg_catalog.pg_operator_is_visible(o.oid)", true },
      "1, 2, 3, 4",
      NULL,
      NULL },
    { "dO",
      "List of collations",
      "n.nspname AS \"Schema\", c.collname AS \"Name\", c.collcollate AS \"Collate\", c.collctype AS "
      "\"Ctype\", c.colliculocale AS \"ICU Locale\", CASE c.collprovider WHEN 'd' THEN 'default' "
      "WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' END AS \"Provider\", CASE WHEN "
      "c.collisdeterministic THEN 'yes' ELSE 'no' END AS \"Deterministic?\"",
      ", pg_catalog.obj_description(c.oid, 'pg_collation') AS \"Description\"",
      "",
      "pg_catalog.pg_collation c, pg_catalog.pg_namespace n WHERE n.oid = c.collnamespace AND "
      "c.collencoding IN (-1, 6)",
      { "n.nspname", { "c.collname" }, "pg_catalog.pg_collation_is_visible(c.oid)", false },
      "1, 2",
      NULL,
      NULL },
    { "dp",
      "Access privileges",
      "n.nspname AS \"Schema\", c.relname AS \"Name\", CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' "
      "THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN "
      "'foreign table' WHEN 'p' THEN 'partitioned table' END AS \"Type\", " ACL(
          "c.relacl") ", pg_catalog.array_to_string(ARRAY(SELECT a.attname || E':\\n  ' || "
                      "pg_catalog.array_to_string(a.attacl, E'\\n  ') FROM pg_catalog.pg_attribute a WHERE "
                      "a.attrelid = c.oid AND NOT a.attisdropped AND a.attacl IS NOT NULL), E'\\n') AS \"Column "
                      "privileges\", pg_catalog.array_to_string(ARRAY(SELECT p.polname FROM pg_catalog.pg_policy p "
                      "WHERE p.polrelid = c.oid), E'\\n') AS \"Policies\"",
      "",
      "",
      "pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE "
      "c.relkind IN ('r', 'v', 'm', 'S', 'f', 'p')",
      { "n.nspname",
        { "c.relname" },
        "n.nspname !~ '^pg_' AND pg_catalog.pg_table_is_visible(c.oid)",
        false },
      "1, 2",
      NULL,
      NULL },
    { "dT",
      "List of data types",
      "n.nspname AS \"Schema\", pg_catalog.format_type(t.oid, NULL) AS \"Name\"",
      ", t.typname AS \"Internal name\", CASE WHEN t.typrelid <> 0 THEN 'tuple' WHEN t.typlen < 0 "
      "THEN 'var' ELSE t.typlen::pg_catalog.text END AS \"Size\", pg_catalog.array_to_string(ARRAY("
      "SELECT e.enumlabel FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid ORDER BY "
      "e.enumsortorder), E'\\n') AS \"Elements\", " OWNER("t.typowner") ", " ACL("t.typacl"),
      ", pg_catalog.obj_description(t.oid, 'pg_type') AS \"Description\"",
      "pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE "
      "(t.typrelid = 0 OR (SELECT c.relkind = 'c' FROM pg_catalog.pg_class c WHERE c.oid = "
      "t.typrelid)) AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_type el WHERE el.oid = t.typelem "
      "AND el.typarray = t.oid)",
      { "n.nspname",
        { "t.typname", "pg_catalog.format_type(t.oid, NULL)" },
        "pg_catalog.pg_type_is_visible(t.oid)",
        false },
      "1, 2",
      NULL,
      NULL },
    { "du",
      "List of roles",
      "r.rolname AS \"Role name\", pg_catalog.array_to_string(ARRAY[nullif("
      "pg_catalog.array_to_string(ARRAY[CASE WHEN r.rolsuper THEN 'Superuser' END, CASE WHEN NOT "
      "r.rolinherit THEN 'No inheritance' END, CASE WHEN r.rolcreaterole THEN 'Create role' END, "
      "CASE WHEN r.rolcreatedb THEN 'Create DB' END, CASE WHEN NOT r.rolcanlogin THEN 'Cannot "
      "login' END, CASE WHEN r.rolreplication THEN 'Replication' END, CASE WHEN r.rolbypassrls "
      "THEN 'Bypass RLS' END], ', '), ''), CASE WHEN r.rolconnlimit = 0 THEN 'No connections' WHEN "
      "r.rolconnlimit = 1 THEN '1 connection' WHEN r.rolconnlimit > 0 THEN r.rolconnlimit || ' "
      "connections' END, 'Password valid until ' || r.rolvaliduntil::pg_catalog.text], E'\\n') AS "
      "\"Attributes\", "
      "ARRAY(SELECT b.rolname FROM "
      "pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles b ON m.roleid = b.oid WHERE m.member = "
      "r.oid) AS \"Member of\"",
      ", pg_catalog.shobj_description(r.oid, 'pg_authid') AS \"Description\"",
      "",
      "pg_catalog.pg_roles r WHERE true",
      { NULL, { "r.rolname" }, NULL, false },
      "1",
      "r.rolname !~ '^pg_'",
      "" },
    { "dx",
      "List of installed extensions",
      "e.extname AS \"Name\", e.extversion AS \"Version\", n.nspname AS \"Schema\", "
      "pg_catalog.obj_description(e.oid, 'pg_extension') AS \"Description\"",
      "",
      "",
      "pg_catalog.pg_extension e LEFT JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace "
      "WHERE true",
      { NULL, { "e.extname" }, NULL, false },
      "1",
      NULL,
      NULL },
    { "l",
      "List of databases",
      "d.datname AS \"Name\", " OWNER(
          "d.datdba") ", pg_catalog.pg_encoding_to_char(d.encoding) AS "
                      "\"Encoding\", d.datcollate AS \"Collate\", d.datctype AS \"Ctype\", d.daticulocale AS \"ICU "
                      "Locale\", CASE d.datlocprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' END AS \"Locale "
                      "Provider\", " ACL("d.datacl"),
      ", pg_catalog.pg_size_pretty(pg_catalog.pg_database_size(d.datname)) AS \"Size\", t.spcname "
      "AS \"Tablespace\", pg_catalog.shobj_description(d.oid, 'pg_database') AS \"Description\"",
      "",
      "pg_catalog.pg_database d JOIN pg_catalog.pg_tablespace t ON d.dattablespace = t.oid WHERE "
      "true",
      { NULL, { "d.datname" }, NULL, false },
      "1",
      NULL,
      NULL },
};

/* Other spellings of the same list. */
static const char *list_name(const char *command)
{
    static const char *const others[][2] = { { "dg", "du" }, { "z", "dp" }, { "list", "l" } };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (strncmp(command, others[i][0], strlen(others[i][0])) == 0) {
            return others[i][1];
        }
    }
    return command;
}

static const CatalogueList *list_find(const char *command)
{
    const char *name = list_name(command);
    size_t length = strcspn(name, "S+");
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (strlen(lists[i].command) == length && strncmp(name, lists[i].command, length) == 0) {
            return &lists[i];
        }
    }
    return NULL;
}

static bool list_show(MrShell *shell, const CatalogueList *list, const char *command,
                      const char *pattern)
{
    bool hides = list->hidden != NULL && pattern == NULL && strchr(command, 'S') == NULL;
    char *where = mr_pattern_where(pattern, &list->pattern);
    PGresult *result = mr_execute_own_format(
        shell, "SELECT %s%s%s FROM %s%s%s%s ORDER BY %s", list->columns,
        strchr(command, '+') != NULL ? list->more : "", list->last, list->from, where,
        hides ? " AND " : "", hides ? list->hidden : "", list->order);
    free(where);
    if (result == NULL) {
        return false;
    }
    if (list->footer != NULL) {
        mr_show_own_with(shell, result, list->title, list->footer);
    } else {
        mr_show_own(shell, result, list->title);
    }
    PQclear(result);
    return true;
}

MrCommandStatus mr_command_catalogue(MrShell *shell, const char *name)
{
    const CatalogueList *list = list_find(name);
    char *pattern = mr_command_argument(shell);
    bool ok = list != NULL && list_show(shell, list, name, pattern);
    free(pattern);
    return mr_command_result(ok);
}

bool mr_catalogue_databases(MrShell *shell)
{
    return list_show(shell, list_find("l"), "l", NULL);
}
