/*
 * server/pgcatalog/builtin.c - what every server has: schemas, types, collations, access methods,
 * the one database.
 */
#include "parser/lexer.h"
#include "server/pgcatalog/version.h"

#include <stdio.h>

/* ---- Schemas --------------------------------------------------------------------------------- */

static const struct {
    uint32_t number;
    const char *name;
} schemas[] = {
    { MR_PG_SCHEMA_CATALOG, "pg_catalog" },
    { MR_PG_SCHEMA_PUBLIC, "public" },
    { MR_PG_SCHEMA_INFORMATION, "information_schema" },
    { MR_PG_SCHEMA_MILLRACE, "millrace" },
    { MR_PG_SCHEMA_MAIN, "main" },
};

enum { SCHEMA_COUNT = sizeof schemas / sizeof schemas[0] };

const char *mr_pg_schema_name(uint32_t number)
{
    for (size_t i = 0; i < SCHEMA_COUNT; i++) {
        if (schemas[i].number == number) {
            return schemas[i].name;
        }
    }
    return NULL;
}

uint32_t mr_pg_schema_number(const char *name)
{
    for (size_t i = 0; i < SCHEMA_COUNT; i++) {
        if (strcmp(schemas[i].name, name) == 0) {
            return schemas[i].number;
        }
    }
    return 0;
}

const char *mr_pg_schema_known(const char *name)
{
    return mr_pg_schema_name(mr_pg_schema_number(name));
}

void mr_pg_fill_namespaces(const MrPgNames *names, MrRows *rows)
{
    (void)names;
    for (size_t i = 0; i < SCHEMA_COUNT; i++) {
        mr_rows_begin(rows);
        mr_rows_int(rows, schemas[i].number);
        mr_rows_text(rows, schemas[i].name);
        mr_rows_int(rows, MR_PG_ROLE_OWNER);
    }
}

/* ---- Types ----------------------------------------------------------------------------------- */

static const MrPgType types[] = {
#define MR_PG_TYPE(number, name, length, by_value, kind, category, preferred, delimiter, element, \
                   array, input, output, receive, send, align, storage, collation)                \
    { number, name,  length, by_value, kind, category, preferred, delimiter, element,             \
      array,  input, output, receive,  send, align,    storage,   collation },
#include "server/pgcatalog/types.def"
#undef MR_PG_TYPE
};

enum { TYPE_COUNT = sizeof types / sizeof types[0] };

const MrPgType *mr_pg_type(uint32_t number)
{
    size_t low = 0, high = TYPE_COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (types[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < TYPE_COUNT && types[low].number == number ? &types[low] : NULL;
}

const MrPgType *mr_pg_type_find(MrString name)
{
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (mr_string_equal(mr_string(types[i].name), name)) {
            return &types[i];
        }
    }
    return NULL;
}

uint32_t mr_pg_type_number(MrTypeId type)
{
    return mr_type_info(type == MR_TYPE_UNKNOWN ? MR_TYPE_TEXT : type)->oid;
}

/* Types that we do not have, but that SQL has another name for; ANY is a keyword. */
static const char *sql_name(const MrPgType *type)
{
    static const char *const names[][2] = {
        { "varbit", "bit varying" },
        { "any", "\"any\"" },
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i][0], type->name) == 0) {
            return names[i][1];
        }
    }
    return type->name;
}

void mr_pg_type_format(uint32_t number, int32_t typmod, MrBuilder *out)
{
    const MrPgType *type = mr_pg_type(number);
    MrTypeId id;
    if (number == 0) {
        mr_builder_append_string(out, "-");
    } else if (type == NULL) {
        mr_builder_append_string(out, "???");
    } else if (type->category == 'A' && type->element != 0 && type->length == -1 &&
               type->kind == 'b') {
        mr_pg_type_format(type->element, typmod, out);
        mr_builder_append_string(out, "[]");
    } else if (number == mr_type_info(MR_TYPE_BPCHAR)->oid && typmod < 0) {
        mr_builder_append_string(out, "character");
    } else if (mr_type_by_oid(number, &id)) {
        mr_type_format((MrType){ id, typmod }, out);
    } else {
        mr_builder_append_string(out, sql_name(type));
    }
}

static void type_function(MrRows *rows, const char *name)
{
    mr_rows_reg(rows, mr_pg_type_function_number(mr_string(name)), name);
}

static void add_type(MrRows *rows, const MrPgType *type)
{
    bool is_array = type->category == 'A' && type->element != 0 && type->length == -1;
    mr_rows_begin(rows);
    mr_rows_int(rows, type->number);
    mr_rows_text(rows, type->name);
    mr_rows_int(rows, MR_PG_SCHEMA_CATALOG);
    mr_rows_int(rows, MR_PG_ROLE_OWNER);
    mr_rows_int(rows, type->length);
    mr_rows_bool(rows, type->by_value);
    mr_rows_string(rows, (MrString){ &type->kind, 1 });
    mr_rows_string(rows, (MrString){ &type->category, 1 });
    mr_rows_bool(rows, type->preferred);
    mr_rows_bool(rows, true); /* typisdefined */
    mr_rows_string(rows, (MrString){ &type->delimiter, 1 });
    mr_rows_int(rows, 0); /* typrelid */
    mr_rows_reg(rows, is_array ? 6179 : 0, is_array ? "array_subscript_handler" : "-");
    mr_rows_int(rows, type->element);
    mr_rows_int(rows, type->array);
    type_function(rows, type->input);
    type_function(rows, type->output);
    type_function(rows, type->receive);
    type_function(rows, type->send);
    mr_rows_skip(rows, 3); /* typmodin, typmodout, typanalyze */
    mr_rows_string(rows, (MrString){ &type->align, 1 });
    mr_rows_string(rows, (MrString){ &type->storage, 1 });
    mr_rows_bool(rows, false); /* typnotnull */
    mr_rows_int(rows, 0);      /* typbasetype */
    mr_rows_int(rows, -1);     /* typtypmod */
    mr_rows_int(rows, 0);      /* typndims */
    mr_rows_int(rows, type->collation);
}

void mr_pg_fill_types(const MrPgNames *names, MrRows *rows)
{
    (void)names;
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        add_type(rows, &types[i]);
    }
}

/* ---- Ranges ---------------------------------------------------------------------------------- */

void mr_pg_fill_ranges(const MrPgNames *names, MrRows *rows)
{
    static const struct {
        const char *range, *subtype, *multirange;
    } ranges[] = {
        { "int4range", "int4", "int4multirange" },
        { "numrange", "numeric", "nummultirange" },
        { "tsrange", "timestamp", "tsmultirange" },
        { "tstzrange", "timestamptz", "tstzmultirange" },
        { "daterange", "date", "datemultirange" },
        { "int8range", "int8", "int8multirange" },
    };
    (void)names;
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        mr_rows_begin(rows);
        mr_rows_int(rows, mr_pg_type_find(mr_string(ranges[i].range))->number);
        mr_rows_int(rows, mr_pg_type_find(mr_string(ranges[i].subtype))->number);
        mr_rows_int(rows, mr_pg_type_find(mr_string(ranges[i].multirange))->number);
        mr_rows_skip(rows, 4);
    }
}

/* ---- Small ones ------------------------------------------------------------------------------ */

void mr_pg_fill_access_methods(const MrPgNames *names, MrRows *rows)
{
    (void)names;
    mr_rows_begin(rows);
    mr_rows_int(rows, MR_PG_AM_HEAP);
    mr_rows_text(rows, "heap");
    mr_rows_reg(rows, 3, "heap_tableam_handler");
    mr_rows_text(rows, "t");
    mr_rows_begin(rows);
    mr_rows_int(rows, MR_PG_AM_BTREE);
    mr_rows_text(rows, "btree");
    mr_rows_reg(rows, 330, "bthandler");
    mr_rows_text(rows, "i");
}

static const struct {
    uint32_t number;
    const char *name, *locale;
} collations[] = {
    { MR_PG_COLLATION_DEFAULT, "default", NULL },
    { MR_PG_COLLATION_C, "C", "C" },
    { 951, "POSIX", "POSIX" },
    { 962, "ucs_basic", "C" },
};

enum { COLLATION_COUNT = sizeof collations / sizeof collations[0] };

const char *mr_pg_collation_name(uint32_t index)
{
    return index < COLLATION_COUNT ? collations[index].name : NULL;
}

uint32_t mr_pg_collation_number(const char *name)
{
    for (size_t i = 0; i < COLLATION_COUNT; i++) {
        if (strcmp(collations[i].name, name) == 0) {
            return collations[i].number;
        }
    }
    return 0;
}

void mr_pg_fill_collations(const MrPgNames *names, MrRows *rows)
{
    (void)names;
    for (size_t i = 0; i < COLLATION_COUNT; i++) {
        bool is_default = collations[i].locale == NULL;
        mr_rows_begin(rows);
        mr_rows_int(rows, collations[i].number);
        mr_rows_text(rows, collations[i].name);
        mr_rows_int(rows, MR_PG_SCHEMA_CATALOG);
        mr_rows_int(rows, MR_PG_ROLE_OWNER);
        mr_rows_text(rows, is_default ? "d" : "c");
        mr_rows_bool(rows, true);
        mr_rows_int(rows, -1);
        mr_rows_text(rows, collations[i].locale);
        mr_rows_text(rows, collations[i].locale);
    }
}

void mr_pg_fill_languages(const MrPgNames *names, MrRows *rows)
{
    static const char *const languages[] = { "internal", "c", "sql" }; /* from number 12 */
    (void)names;
    for (uint32_t i = 0; i < 3; i++) {
        mr_rows_begin(rows);
        mr_rows_int(rows, 12 + i);
        mr_rows_text(rows, languages[i]);
        mr_rows_int(rows, MR_PG_ROLE_OWNER);
        mr_rows_bool(rows, false);
        mr_rows_bool(rows, i == 2);
        mr_rows_skip(rows, 3);
    }
}

void mr_pg_fill_tablespaces(const MrPgNames *names, MrRows *rows)
{
    (void)names;
    mr_rows_begin(rows);
    mr_rows_int(rows, 1663);
    mr_rows_text(rows, "pg_default");
    mr_rows_int(rows, MR_PG_ROLE_OWNER);
    mr_rows_begin(rows);
    mr_rows_int(rows, 1664);
    mr_rows_text(rows, "pg_global");
    mr_rows_int(rows, MR_PG_ROLE_OWNER);
}

/* One database, under the name that the client called it by. */
void mr_pg_fill_databases(const MrPgNames *names, MrRows *rows)
{
    mr_rows_begin(rows);
    mr_rows_int(rows, MR_PG_THE_DATABASE);
    mr_rows_text(rows, names->database[0] != '\0' ? names->database : "millrace");
    mr_rows_int(rows, MR_PG_ROLE_OWNER);
    mr_rows_int(rows, MR_PG_ENCODING_UTF8);
    mr_rows_text(rows, "c");
    mr_rows_bool(rows, false);
    mr_rows_bool(rows, true);
    mr_rows_int(rows, -1); /* datconnlimit */
    mr_rows_skip(rows, 2);
    mr_rows_int(rows, 1663);
    mr_rows_text(rows, "C");
    mr_rows_text(rows, "C");
}

/* The words of the grammar, by what they may stand for. */
void mr_pg_fill_keywords(const MrPgNames *names, MrRows *rows)
{
    static const struct {
        const char *code, *text;
    } classes[] = {
        [MR_KEYWORD_UNRESERVED] = { "U", "unreserved" },
        [MR_KEYWORD_COLUMN_NAME] = { "C", "unreserved (cannot be function or type name)" },
        [MR_KEYWORD_FUNCTION_NAME] = { "T", "reserved (can be function or type name)" },
        [MR_KEYWORD_RESERVED] = { "R", "reserved" },
    };
    size_t count;
    const MrKeyword *words = mr_keyword_list(&count);
    (void)names;
    for (size_t i = 0; i < count; i++) {
        mr_rows_begin(rows);
        mr_rows_text(rows, words[i].word);
        mr_rows_text(rows, classes[words[i].class].code);
        mr_rows_bool(rows, words[i].class != MR_KEYWORD_RESERVED);
        mr_rows_text(rows, classes[words[i].class].text);
        mr_rows_text(rows,
                     words[i].class != MR_KEYWORD_RESERVED ? "can be bare label" : "requires AS");
    }
}

/* What unique indexes of keys name as the class of their columns. */
void mr_pg_fill_opclasses(const MrPgNames *names, MrRows *rows)
{
    (void)names;
    for (uint32_t id = MR_TYPE_BOOL; id < MR_TYPE_REGPROC; id++) {
        const MrTypeInfo *info = mr_type_info((MrTypeId)id);
        char name[64];
        snprintf(name, sizeof name, "%s_ops", info->name);
        mr_rows_begin(rows);
        mr_rows_int(rows, 10000 + id);
        mr_rows_int(rows, MR_PG_AM_BTREE);
        mr_rows_text(rows, name);
        mr_rows_int(rows, MR_PG_SCHEMA_CATALOG);
        mr_rows_int(rows, MR_PG_ROLE_OWNER);
        mr_rows_int(rows, 0);
        mr_rows_int(rows, info->oid);
        mr_rows_bool(rows, true);
        mr_rows_int(rows, 0);
    }
}
