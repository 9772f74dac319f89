/*
 * server/pgcatalog/version.h - one version of the catalogue by PostgreSQL's numbers.  Private to
 * pgcatalog.
 *
 * Numbers: relations, types and schemas of PostgreSQL have its own; ours are those of the catalogue
 * (from 16384).  Indexes, constraints and defaults have that of their relation with a bit of the
 * upper half set, so that nothing needs to be stored.  Functions and operators are counted from
 * 7000 in the order of the registry: they are stable within a version of Millrace only.
 */
#ifndef MR_SERVER_PGCATALOG_VERSION_H
#define MR_SERVER_PGCATALOG_VERSION_H

#include <pthread.h>

#include "planner/search_path.h"
#include "server/pgcatalog/pgcatalog.h"
#include "server/relations/rows.h"

enum { MR_PG_INDEX_COLUMNS_MAX = 64 };

enum {
    MR_PG_CLASS = 1259, /* numbers of catalogue relations, as classoid has them */
    MR_PG_TYPE = 1247,
    MR_PG_PROC = 1255,
    MR_PG_CONSTRAINT = 2606,
    MR_PG_NAMESPACE = 2615,
    MR_PG_DATABASE = 1262,

    MR_PG_SCHEMA_CATALOG = 11,
    MR_PG_SCHEMA_PUBLIC = 2200,
    MR_PG_SCHEMA_INFORMATION = 13000,
    MR_PG_SCHEMA_MILLRACE = 13001,
    MR_PG_SCHEMA_MAIN = 13002,

    MR_PG_ROLE_OWNER = 10, /* of everything */
    MR_PG_ROLE_FIRST = 15000,
    MR_PG_FUNCTION_FIRST = 7000,
    MR_PG_OPERATOR_FIRST = 7000,
    MR_PG_SERVER_FIRST = 14000, /* connections as foreign servers, by their place */
    MR_PG_WRAPPER_FIRST = 14900,
    MR_PG_THE_DATABASE = 5,
    MR_PG_AM_HEAP = 2,
    MR_PG_AM_BTREE = 403,
    MR_PG_COLLATION_DEFAULT = 100,
    MR_PG_COLLATION_C = 950,
    MR_PG_ENCODING_UTF8 = 6,

    MR_PG_INDEX_BIT = 0x20000000,
    MR_PG_CONSTRAINT_BIT = 0x40000000,
    MR_PG_DEFAULT_BIT = 0x60000000,
};

/* A relation that PostgreSQL 15 has. */
typedef struct MrPgHeader MrPgHeader;
/* What gives its rows; `pg` for those of a version, `names` for what a session sees. */
typedef struct MrPgNames MrPgNames;
typedef void MrPgFill(const MrPgNames *names, MrRows *rows);

struct MrPgHeader {
    const char *schema_name, *name;
    uint32_t number; /* 0: the catalogue gives one */
    char kind;       /* 'r' or 'v'; 'c': of a call in FROM */
    MrSchema schema;
    MrPgFill *fill; /* NULL: no rows */
    bool is_live;   /* made anew for each statement */
};

/* All of them; made once. */
uint32_t mr_pg_headers(const MrPgHeader **out);
/* NULL: none. */
const MrPgHeader *mr_pg_header_find(const char *schema_name, const char *name);

/* A row of pg_class. */
typedef struct MrPgClass {
    uint32_t number;
    const char *name;
    uint32_t schema;
    char kind;                  /* relkind */
    const MrRelation *relation; /* of an index: what it is over */
    const MrIndexDef *def;      /* of an index that is not a key; NULL */
    const MrPgHeader *header;   /* of PostgreSQL's own; NULL */
    uint32_t index;             /* number of its key's index; 0: none */
    /* Something outside public may have its name.  Told here: for \d each is asked for it, and the
     * names lie all over the memory. */
    bool may_be_hidden;
} MrPgClass;

typedef struct MrPgRole {
    uint32_t number;
    const char *name;
    bool can_login, has_password;
} MrPgRole;

typedef struct MrPgRoutine MrPgRoutine;

/* Where rows are by the value of a column (look_up.c). */
typedef struct MrPgIndex MrPgIndex;

typedef struct MrPgBlocks {
    const MrBlock *const *blocks;
    uint32_t count;
    bool is_made;
    MrPgIndex *indexes; /* those that were asked for */
} MrPgBlocks;

struct MrPgCatalog {
    uint32_t references;
    MrServer *server;
    MrCatalog *catalog; /* reference */
    uint64_t roles_version;
    MrArena arena;
    MrPgClass *classes;
    uint32_t class_count;
    uint32_t *class_slots; /* index + 1 by number; 0: free */
    uint32_t class_slot_mask;
    MrPgRole *roles;
    uint32_t role_count;
    MrPgRoutine *functions; /* in SQL */
    uint32_t function_count;
    MrPgBlocks *made[2]; /* per header; [1]: standing queries shown as views */
};

/* What a statement's kernels and system views see. */
struct MrPgNames {
    MrNames base;
    MrPgCatalog *pg; /* NULL until it is needed */
    MrServer *server;
    MrCatalog *catalog;        /* the statement's */
    MrStatementMemory *memory; /* holds `pg` */
    struct MrSession *session; /* NULL: nobody's; only on the event loop's thread */
    pthread_t thread;          /* the event loop's */
    int32_t number;            /* of the session */
    const char *user, *database;
    bool queries_are_views; /* catalog_matview_kind */
    MrSearchPath path;
};

static inline const MrPgNames *mr_pg_names(const MrNames *names)
{
    return (const MrPgNames *)names;
}

/* ---- Look-up (version.c) --------------------------------------------------------------------- */

const MrPgClass *mr_pg_class(const MrPgCatalog *pg, uint32_t number); /* NULL: none */
const MrPgClass *mr_pg_class_of(const MrPgCatalog *pg, const MrRelation *relation);
/* By schema (NULL: on the search path) and name, indexes too. */
const MrPgClass *mr_pg_class_find(const MrPgNames *names, const char *schema_name,
                                  const char *name);
/* Found without its schema. */
bool mr_pg_class_is_visible(const MrPgNames *names, const MrPgClass *class);
bool mr_pg_function_is_visible(const MrPgNames *names, const MrPgRoutine *routine);
char mr_pg_class_kind(const MrPgNames *names, const MrPgClass *class);
const MrPgRole *mr_pg_role(const MrPgCatalog *pg, uint32_t number);
const MrPgRole *mr_pg_role_find(const MrPgCatalog *pg, MrString name);
/* The key of a table, or what tells the rows of a result apart, as visible columns; 0: none. */
uint32_t mr_pg_key(const MrRelation *relation, const uint32_t **columns);
/* Columns of an index: those of the relation, -1 for an expression. */
uint32_t mr_pg_index_columns(const MrPgClass *index, int32_t columns[MR_PG_INDEX_COLUMNS_MAX]);
/* The index of a PRIMARY KEY, or of that or UNIQUE. */
bool mr_pg_index_is_primary(const MrPgClass *index);
bool mr_pg_index_is_constraint(const MrPgClass *index);
/* Its number in pg_constraint, and the index of such a number; NULL: none. */
uint32_t mr_pg_constraint_number(const MrPgClass *index);
const MrPgClass *mr_pg_constraint_index(const MrPgCatalog *pg, uint32_t number);
bool mr_pg_has_index(const MrPgClass *class);
bool mr_pg_column_is_not_null(const MrRelation *relation, uint32_t column);
/* A PRIMARY KEY: a constraint besides an index. */
uint32_t mr_pg_check_count(const MrPgClass *class);
/* CHECKs are numbered by their place among those of the version; NULL: there is none. */
#define MR_PG_CHECK_FIRST UINT32_C(0x80000000)
const MrCheck *mr_pg_check(const MrPgCatalog *pg, uint32_t number, const MrPgClass **out);
bool mr_pg_key_is_constraint(const MrRelation *relation);

/* ---- Rows by a value (look_up.c) ------------------------------------------------------------- */

/* The rows with that value in the column, and perhaps a few others, in the arena. */
MrStatus mr_pg_blocks_look_up(MrPgCatalog *pg, MrPgBlocks *made, uint32_t column,
                              const MrDatum *value, MrArena *arena, const MrBlock *const **blocks,
                              uint32_t *count, MrError *err);

/* ---- Schemas and types (builtin.c) ----------------------------------------------------------- */

const char *mr_pg_schema_name(uint32_t number); /* NULL: none */
uint32_t mr_pg_schema_number(const char *name); /* 0: none */

typedef struct MrPgType {
    uint32_t number;
    const char *name;
    int16_t length;
    bool by_value;
    char kind, category;
    bool preferred;
    char delimiter;
    uint32_t element, array;
    const char *input, *output, *receive, *send;
    char align, storage;
    uint32_t collation;
} MrPgType;

const MrPgType *mr_pg_type(uint32_t number);
const MrPgType *mr_pg_type_find(MrString name);
/* The number of one of our types on the wire. */
uint32_t mr_pg_type_number(MrTypeId type);
/* As format_type() prints it; `typmod` -1: none. */
void mr_pg_type_format(uint32_t number, int32_t typmod, MrBuilder *out);

/* By its place; NULL: there are no more.  All are in pg_catalog. */
const char *mr_pg_collation_name(uint32_t index);
uint32_t mr_pg_collation_number(const char *name); /* 0: none */

/* ---- Functions and operators (routines.c) ---------------------------------------------------- */

typedef enum MrPgRoutineKind {
    MR_PG_ROUTINE_FUNCTION,
    MR_PG_ROUTINE_AGGREGATE,
    MR_PG_ROUTINE_SET,
    MR_PG_ROUTINE_WINDOW,
    MR_PG_ROUTINE_OPERATOR,
} MrPgRoutineKind;

/* An entry of the registries, or a call that the planner answers. */
struct MrPgRoutine {
    uint32_t number;
    const char *name;
    MrPgRoutineKind kind;
    const MrTypeId *args;
    uint32_t arg_count;
    MrTypeId result;
    uint32_t flags;           /* MR_FN_… of functions */
    const char *doc;          /* what its comment is; NULL: none */
    const MrSqlFunction *sql; /* of the catalogue; NULL: of the registries */
};

enum { MR_PG_ARGUMENTS_MAX = 100 };

/* By number; functions and operators are numbered apart. */
uint32_t mr_pg_routines(bool operators, const MrPgRoutine **out);
const MrPgRoutine *mr_pg_routine(bool operators, uint32_t number);
/* The first of the name, and how many there are. */
const MrPgRoutine *mr_pg_routine_find(bool operators, MrString name, uint32_t *count);
/* The types of the arguments: "integer, text". */
void mr_pg_routine_arguments(const MrPgRoutine *routine, MrBuilder *out);
/* As pg_proc has the type of an argument or result. */
uint32_t mr_pg_routine_type(const MrPgRoutine *routine, MrTypeId type);
char mr_pg_routine_volatility(const MrPgRoutine *routine);
void mr_pg_routine_result(const MrPgRoutine *routine, MrBuilder *out);
/* An input or output function of a type; NULL: none. */
const char *mr_pg_type_function(uint32_t number);
uint32_t mr_pg_type_function_number(MrString name);

/* Functions in SQL, by the version (routines_sql.c): */

MrStatus mr_pg_functions_make(MrPgCatalog *pg, MrError *err);
/* A function of the registries or of the catalogue; NULL: none. */
const MrPgRoutine *mr_pg_function(const MrPgCatalog *pg, uint32_t number);
const MrPgRoutine *mr_pg_function_find(const MrPgCatalog *pg, MrString name);
const char *mr_pg_function_schema(const MrPgRoutine *routine);
/* "x integer, y text", `with_defaults` also "DEFAULT …". */
void mr_pg_function_parameters(const MrPgRoutine *routine, bool with_defaults, MrBuilder *out);
/* CREATE OR REPLACE FUNCTION …, as PostgreSQL lays it out. */
void mr_pg_function_definition(const MrPgRoutine *routine, MrBuilder *out);
void mr_pg_add_sql_procs(const MrPgCatalog *pg, MrRows *rows);

/* ---- Texts (texts.c) ------------------------------------------------------------------------- */

/* "name", or schema.name where it is not found without. */
void mr_pg_class_print(const MrPgNames *names, const MrPgClass *class, MrBuilder *out);
void mr_pg_index_definition(const MrPgClass *index, MrBuilder *out);
/* One of its columns, from 0. */
void mr_pg_index_column(const MrPgClass *index, uint32_t column, MrBuilder *out);
void mr_pg_constraint_definition(const MrPgClass *index, MrBuilder *out);
void mr_pg_check_definition(const MrPgClass *class, const MrCheck *check, MrBuilder *out);
/* The SELECT of a view or standing query; false: it has none. */
bool mr_pg_view_definition(const MrPgClass *class, MrBuilder *out);
/* Its comment; NULL: none. */
const char *mr_pg_class_comment(const MrPgClass *class);
/* A column's default or generation expression; false: it has none. */
bool mr_pg_column_default(const MrRelation *relation, uint32_t column, MrBuilder *out);

/* ---- Rows of information_schema (information.c) ---------------------------------------------- */

const char *mr_pg_database_of(const MrPgNames *names);
/* "ARRAY", or the type as SQL names it. */
void mr_pg_rows_type_name(MrRows *rows, MrType type);

/* ---- Cells ----------------------------------------------------------------------------------- */

/* int2vector or oidvector, or an array of the element's type. */
void mr_pg_rows_list(MrRows *rows, MrTypeId type, const int64_t *values, uint32_t count);
/* text[]; NULL is the empty text.  Copied. */
void mr_pg_rows_texts(MrRows *rows, const char *const *texts, uint32_t count);

/* ---- Naming (names.c) ------------------------------------------------------------------------ */

extern const MrNames mr_pg_names_class;
/* MrNames of a version that was made (names_input.c has by_text). */
MrStatus mr_pg_names_by_number(const MrNames *names, MrTypeId type, uint32_t number, MrArena *arena,
                               MrText *out, MrError *err);
MrStatus mr_pg_names_by_text(const MrNames *names, MrTypeId type, MrString text, bool missing_ok,
                             MrArena *arena, MrText *out, bool *found, MrError *err);
/* Makes or finds the version (version.c). */
MrStatus mr_pg_names_prepare(const MrNames *names, MrError *err);

/* a.b or "a"."b" in parts, in the arena; 42602 with `what` where it is none. */
MrStatus mr_pg_split_name(MrArena *arena, MrString text, const char *parts[3], uint32_t *count,
                          MrError *err);

/* A function may fill several. */
#define MR_PG_FILL(relation, function, is_live) MrPgFill function;
#include "server/pgcatalog/fills.def"
#undef MR_PG_FILL

#endif
