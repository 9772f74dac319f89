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
    const char *more; /* further ones with +, before `last`; NULL: none */
    const char *last; /* columns behind those; NULL: none */
    const char *from; /* with its WHERE, that of the pattern follows */
    MrPatternColumns pattern;
    const char *order;
    const char *hidden; /* a condition where neither S nor a pattern is given; NULL: none */
    const char *footer; /* NULL: the number of rows */
} CatalogueList;

static const CatalogueList lists[] = {
    { .command = "dA",
      .title = "List of access methods",
      .columns =
          "amname AS \"Name\", CASE amtype WHEN 'i' THEN 'Index' WHEN 't' THEN 'Table' END AS "
          "\"Type\"",
      .more =
          ", amhandler AS \"Handler\", pg_catalog.obj_description(oid, 'pg_am') AS \"Description\"",
      .from = "pg_catalog.pg_am WHERE true",
      .pattern = { .names = { "amname" } },
      .order = "1" },
    { .command = "db",
      .title = "List of tablespaces",
      .columns = "spcname AS \"Name\", pg_catalog.pg_get_userbyid(spcowner) AS \"Owner\", "
                 "pg_catalog.pg_tablespace_location(oid) AS \"Location\"",
      .more =
          ", pg_catalog.array_to_string(spcacl, E'\\n') AS \"Access privileges\", spcoptions AS "
          "\"Options\", pg_catalog.pg_size_pretty(pg_catalog.pg_tablespace_size(oid)) AS \"Size\", "
          "pg_catalog.shobj_description(oid, 'pg_tablespace') AS \"Description\"",
      .from = "pg_catalog.pg_tablespace WHERE true",
      .pattern = { .names = { "spcname" } },
      .order = "1" },
    { .command = "dC",
      .title = "List of casts",
      .columns =
          "pg_catalog.format_type(castsource, NULL) AS \"Source type\", "
          "pg_catalog.format_type(casttarget, NULL) AS \"Target type\", CASE c.castmethod WHEN 'b' "
          "THEN '(binary coercible)' WHEN 'i' THEN '(with inout)' ELSE p.proname END AS "
          "\"Function\", CASE c.castcontext WHEN 'e' THEN 'no' WHEN 'a' THEN 'in assignment' ELSE "
          "'yes' END AS \"Implicit?\"",
      .more = ", pg_catalog.obj_description(c.oid, 'pg_cast') AS \"Description\"",
      .from =
          "pg_catalog.pg_cast c LEFT JOIN pg_catalog.pg_proc p ON p.oid = c.castfunc LEFT JOIN "
          "pg_catalog.pg_type s ON s.oid = c.castsource LEFT JOIN pg_catalog.pg_type t ON t.oid = "
          "c.casttarget WHERE true",
      .pattern = { .names = { "s.typname", "pg_catalog.format_type(s.oid, NULL)", "t.typname",
                              "pg_catalog.format_type(t.oid, NULL)" } },
      .order = "1, 2" },
    { .command = "ddp",
      .title = "Default access privileges",
      .columns =
          "pg_catalog.pg_get_userbyid(d.defaclrole) AS \"Owner\", n.nspname AS \"Schema\", CASE "
          "d.defaclobjtype WHEN 'r' THEN 'table' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'function' "
          "WHEN 'T' THEN 'type' WHEN 'n' THEN 'schema' END AS \"Type\", "
          "pg_catalog.array_to_string(d.defaclacl, E'\\n') AS \"Access privileges\"",
      .from = "pg_catalog.pg_default_acl d LEFT JOIN pg_catalog.pg_namespace n ON n.oid = "
              "d.defaclnamespace WHERE true",
      .pattern = { .names = { "n.nspname", "pg_catalog.pg_get_userbyid(d.defaclrole)" } },
      .order = "1, 2, 3" },
    { .command = "dD",
      .title = "List of domains",
      .columns =
          "n.nspname AS \"Schema\", t.typname AS \"Name\", pg_catalog.format_type(t.typbasetype, "
          "t.typtypmod) AS \"Type\", (SELECT c.collname FROM pg_catalog.pg_collation c, "
          "pg_catalog.pg_type bt WHERE c.oid = t.typcollation AND bt.oid = t.typbasetype AND "
          "t.typcollation <> bt.typcollation) AS \"Collation\", CASE WHEN t.typnotnull THEN 'not "
          "null' END AS \"Nullable\", t.typdefault AS \"Default\", "
          "pg_catalog.array_to_string(ARRAY(SELECT pg_catalog.pg_get_constraintdef(r.oid, true) "
          "FROM pg_catalog.pg_constraint r WHERE t.oid = r.contypid), ' ') AS \"Check\"",
      .more = ", pg_catalog.array_to_string(t.typacl, E'\\n') AS \"Access privileges\", "
              "pg_catalog.obj_description(t.oid, 'pg_type') AS \"Description\"",
      .from = "pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace "
              "WHERE t.typtype = 'd'",
      .pattern = { .schema = "n.nspname",
                   .names = { "t.typname" },
                   .visible = "pg_catalog.pg_type_is_visible(t.oid)" },
      .order = "1, 2" },
    { .command = "dew",
      .title = "List of foreign-data wrappers",
      .columns = "f.fdwname AS \"Name\", pg_catalog.pg_get_userbyid(f.fdwowner) AS \"Owner\", "
                 "f.fdwhandler::pg_catalog.regproc AS \"Handler\", "
                 "f.fdwvalidator::pg_catalog.regproc AS \"Validator\"",
      .more = ", pg_catalog.array_to_string(f.fdwacl, E'\\n') AS \"Access privileges\", "
              "array_to_string(f.fdwoptions, ', ') AS \"FDW options\", "
              "pg_catalog.obj_description(f.oid, 'pg_foreign_data_wrapper') AS \"Description\"",
      .from = "pg_catalog.pg_foreign_data_wrapper f WHERE true",
      .pattern = { .names = { "f.fdwname" } },
      .order = "1" },
    { .command = "dn",
      .title = "List of schemas",
      .columns = "n.nspname AS \"Name\", pg_catalog.pg_get_userbyid(n.nspowner) AS \"Owner\"",
      .more = ", pg_catalog.array_to_string(n.nspacl, E'\\n') AS \"Access privileges\", "
              "pg_catalog.obj_description(n.oid, 'pg_namespace') AS \"Description\"",
      .from = "pg_catalog.pg_namespace n WHERE true",
      .pattern = { .names = { "n.nspname" } },
      .order = "1",
      .hidden = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'" },
    { .command = "do",
      .title = "List of operators",
      .columns =
          "n.nspname AS \"Schema\", o.oprname AS \"Name\", CASE WHEN o.oprkind = 'l' THEN NULL "
          "ELSE pg_catalog.format_type(o.oprleft, NULL) END AS \"Left arg type\", CASE WHEN "
          "o.oprkind = 'r' THEN NULL ELSE pg_catalog.format_type(o.oprright, NULL) END AS \"Right "
          "arg type\", pg_catalog.format_type(o.oprresult, NULL) AS \"Result type\"",
      .more = ", o.oprcode AS \"Function\"",
      .last = ", coalesce(pg_catalog.obj_description(o.oid, 'pg_operator'), "
              "pg_catalog.obj_description(o.oprcode, 'pg_proc')) AS \"Description\"",
      .from =
          "pg_catalog.pg_operator o LEFT JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace "
          "WHERE true",
      .pattern = { .schema = "n.nspname",
                   .names = { "o.oprname" },
                   .visible = "pg_catalog.pg_operator_is_visible(o.oid)",
                   .is_operator = true },
      .order = "1, 2, 3, 4" },
    { .command = "dO",
      .title = "List of collations",
      .columns =
          "n.nspname AS \"Schema\", c.collname AS \"Name\", c.collcollate AS \"Collate\", "
          "c.collctype AS \"Ctype\", c.colliculocale AS \"ICU Locale\", CASE c.collprovider WHEN "
          "'d' THEN 'default' WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' END AS \"Provider\", CASE "
          "WHEN c.collisdeterministic THEN 'yes' ELSE 'no' END AS \"Deterministic?\"",
      .more = ", pg_catalog.obj_description(c.oid, 'pg_collation') AS \"Description\"",
      .from =
          "pg_catalog.pg_collation c, pg_catalog.pg_namespace n WHERE n.oid = c.collnamespace AND "
          "c.collencoding IN (-1, 6)",
      .pattern = { .schema = "n.nspname",
                   .names = { "c.collname" },
                   .visible = "pg_catalog.pg_collation_is_visible(c.oid)" },
      .order = "1, 2" },
    { .command = "dp",
      .title = "Access privileges",
      .columns =
          "n.nspname AS \"Schema\", c.relname AS \"Name\", CASE c.relkind WHEN 'r' THEN 'table' "
          "WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN "
          "'f' THEN 'foreign table' WHEN 'p' THEN 'partitioned table' END AS \"Type\", "
          "pg_catalog.array_to_string(c.relacl, E'\\n') AS \"Access privileges\", "
          "pg_catalog.array_to_string(ARRAY(SELECT a.attname || E':\\n  ' || "
          "pg_catalog.array_to_string(a.attacl, E'\\n  ') FROM pg_catalog.pg_attribute a WHERE "
          "a.attrelid = c.oid AND NOT a.attisdropped AND a.attacl IS NOT NULL), E'\\n') AS "
          "\"Column privileges\", pg_catalog.array_to_string(ARRAY(SELECT p.polname FROM "
          "pg_catalog.pg_policy p WHERE p.polrelid = c.oid), E'\\n') AS \"Policies\"",
      .from = "pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
              "WHERE c.relkind IN ('r', 'v', 'm', 'S', 'f', 'p')",
      .pattern = { .schema = "n.nspname",
                   .names = { "c.relname" },
                   .visible = "n.nspname !~ '^pg_' AND pg_catalog.pg_table_is_visible(c.oid)" },
      .order = "1, 2" },
    { .command = "dT",
      .title = "List of data types",
      .columns = "n.nspname AS \"Schema\", pg_catalog.format_type(t.oid, NULL) AS \"Name\"",
      .more =
          ", t.typname AS \"Internal name\", CASE WHEN t.typrelid <> 0 THEN 'tuple' WHEN t.typlen "
          "< 0 THEN 'var' ELSE t.typlen::pg_catalog.text END AS \"Size\", "
          "pg_catalog.array_to_string(ARRAY(SELECT e.enumlabel FROM pg_catalog.pg_enum e WHERE "
          "e.enumtypid = t.oid ORDER BY e.enumsortorder), E'\\n') AS \"Elements\", "
          "pg_catalog.pg_get_userbyid(t.typowner) AS \"Owner\", "
          "pg_catalog.array_to_string(t.typacl, E'\\n') AS \"Access privileges\"",
      .last = ", pg_catalog.obj_description(t.oid, 'pg_type') AS \"Description\"",
      .from =
          "pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace "
          "WHERE (t.typrelid = 0 OR (SELECT c.relkind = 'c' FROM pg_catalog.pg_class c WHERE c.oid "
          "= t.typrelid)) AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_type el WHERE el.oid = "
          "t.typelem AND el.typarray = t.oid)",
      .pattern = { .schema = "n.nspname",
                   .names = { "t.typname", "pg_catalog.format_type(t.oid, NULL)" },
                   .visible = "pg_catalog.pg_type_is_visible(t.oid)" },
      .order = "1, 2" },
    { .command = "du",
      .title = "List of roles",
      .columns =
          "r.rolname AS \"Role name\", "
          "pg_catalog.array_to_string(ARRAY[nullif(pg_catalog.array_to_string(ARRAY[CASE WHEN "
          "r.rolsuper THEN 'Superuser' END, CASE WHEN NOT r.rolinherit THEN 'No inheritance' END, "
          "CASE WHEN r.rolcreaterole THEN 'Create role' END, CASE WHEN r.rolcreatedb THEN 'Create "
          "DB' END, CASE WHEN NOT r.rolcanlogin THEN 'Cannot login' END, CASE WHEN "
          "r.rolreplication THEN 'Replication' END, CASE WHEN r.rolbypassrls THEN 'Bypass RLS' "
          "END], ', '), ''), CASE WHEN r.rolconnlimit = 0 THEN 'No connections' WHEN "
          "r.rolconnlimit = 1 THEN '1 connection' WHEN r.rolconnlimit > 0 THEN r.rolconnlimit || ' "
          "connections' END, 'Password valid until ' || r.rolvaliduntil::pg_catalog.text], E'\\n') "
          "AS \"Attributes\", ARRAY(SELECT b.rolname FROM pg_catalog.pg_auth_members m JOIN "
          "pg_catalog.pg_roles b ON m.roleid = b.oid WHERE m.member = r.oid) AS \"Member of\"",
      .more = ", pg_catalog.shobj_description(r.oid, 'pg_authid') AS \"Description\"",
      .from = "pg_catalog.pg_roles r WHERE true",
      .pattern = { .names = { "r.rolname" } },
      .order = "1",
      .hidden = "r.rolname !~ '^pg_'",
      .footer = "" },
    { .command = "dx",
      .title = "List of installed extensions",
      .columns = "e.extname AS \"Name\", e.extversion AS \"Version\", n.nspname AS \"Schema\", "
                 "pg_catalog.obj_description(e.oid, 'pg_extension') AS \"Description\"",
      .from =
          "pg_catalog.pg_extension e LEFT JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace "
          "WHERE true",
      .pattern = { .names = { "e.extname" } },
      .order = "1" },
    { .command = "l",
      .title = "List of databases",
      .columns =
          "d.datname AS \"Name\", pg_catalog.pg_get_userbyid(d.datdba) AS \"Owner\", "
          "pg_catalog.pg_encoding_to_char(d.encoding) AS \"Encoding\", d.datcollate AS "
          "\"Collate\", d.datctype AS \"Ctype\", d.daticulocale AS \"ICU Locale\", CASE "
          "d.datlocprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' END AS \"Locale Provider\", "
          "pg_catalog.array_to_string(d.datacl, E'\\n') AS \"Access privileges\"",
      .more = ", pg_catalog.pg_size_pretty(pg_catalog.pg_database_size(d.datname)) AS \"Size\", "
              "t.spcname AS \"Tablespace\", pg_catalog.shobj_description(d.oid, 'pg_database') AS "
              "\"Description\"",
      .from = "pg_catalog.pg_database d JOIN pg_catalog.pg_tablespace t ON d.dattablespace = t.oid "
              "WHERE true",
      .pattern = { .names = { "d.datname" } },
      .order = "1" },
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
    PGresult *result =
        mr_execute_own_format(shell, "SELECT %s%s%s FROM %s%s%s%s ORDER BY %s", list->columns,
                              list->more != NULL && strchr(command, '+') != NULL ? list->more : "",
                              list->last != NULL ? list->last : "", list->from, where,
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
