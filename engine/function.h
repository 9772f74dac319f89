/*
 * engine/function.h - scalar functions, operators and casts: one table entry each, found by name
 * and types.  Operators are functions named by their symbol ("+", "~~").  Must not know SQL syntax.
 */
#ifndef MR_ENGINE_FUNCTION_H
#define MR_ENGINE_FUNCTION_H

#include "storage/block.h"

/* One row that could not be computed. */
typedef struct MrRowError {
    uint32_t row; /* of the block that the operator received */
    MrError error;
} MrRowError;

/* The failed rows of one block: each row at most once (its first error). */
typedef struct MrRowErrors {
    MrArena *arena;
    uint64_t *failed;     /* bitmap over the block's rows; NULL until one fails */
    uint32_t failed_rows; /* rows that the bitmap has room for: at least the block's */
    MrRowError *items;
    uint32_t count, capacity;
} MrRowErrors;

/* What names and numbers of objects stand for: of the catalogue that the statement was planned
 * over, made by whoever has one.  A kernel of MR_FN_CATALOG gets that of its call. */
typedef struct MrNames MrNames;
struct MrNames {
    /* Gets ready for the others, which any thread may call from then on; called where a statement
     * is planned that needs them. */
    MrStatus (*prepare)(const MrNames *names, MrError *err);
    /* The object of a number, of a reg type; `out` prints the number where there is none. */
    MrStatus (*by_number)(const MrNames *names, MrTypeId type, uint32_t number, MrArena *arena,
                          MrText *out, MrError *err);
    /* The object that the text names, as the type's input has it (42P01, 42883, 42704 …);
     * `missing_ok`: *found is false instead. */
    MrStatus (*by_text)(const MrNames *names, MrTypeId type, MrString text, bool missing_ok,
                        MrArena *arena, MrText *out, bool *found, MrError *err);
};

/* The surroundings of one evaluation; also what a kernel may use. */
typedef struct MrEval {
    MrArena *arena;         /* results and scratch live here until the micro-batch ends */
    const MrBlock *block;   /* what columns are read from */
    const MrTimezone *zone; /* of the query; NULL: UTC */
    int64_t now_us;         /* now() where the block has no place: start of the statement */
    MrRowErrors *errors;    /* NULL: the first failing row fails the evaluation (ad hoc) */
    const MrNames *names;   /* of the call under evaluation; NULL: it needs none */
    const uint32_t *origin; /* rows of `block` that the rows under evaluation stand for (inside
                                 CASE, AND …); NULL: row i is row i */
    MrError *err;
} MrEval;

/* Kernels report a row that cannot be computed.  A row whose result is NULL (validity of `out`) is
 * passed over, since strict kernels compute garbage there.  Returns MR_OK when the row was
 * recorded: go on with any value; else return what it returns. */
MrStatus mr_eval_row_error(MrEval *eval, const MrVector *out, uint32_t row, MrStatus status,
                           const char *format, ...) MR_PRINTF(5, 6);
/* The same with an error made elsewhere (eval->err was filled by a common/ function). */
MrStatus mr_eval_row_failed(MrEval *eval, const MrVector *out, uint32_t row, const MrError *error);

enum { MR_FUNCTION_ARGS_MAX = 8 };

enum {
    MR_FN_STRICT = 1,    /* NULL in, NULL out: the framework ands the bitmaps */
    MR_FN_FALLIBLE = 2,  /* may report row errors */
    MR_FN_STABLE = 4,    /* depends on the query's settings (zone) */
    MR_FN_VOLATILE = 8,  /* refused in standing queries: random(), clock_timestamp() */
    MR_FN_VARIADIC = 16, /* the last argument type may repeat */
    MR_FN_ANY_ARGS = 32, /* arguments of MR_TYPE_UNKNOWN in the table take any type (concat …) */
    MR_FN_NO_ARRAYS = 256,  /* with ANY_ARGS: any type but an array (anynonarray) */
    MR_FN_NO_PADDING = 512, /* is given char(n) as text, without its padding */
    MR_FN_SAME = 64,      /* UNKNOWN in the table is one type, ANYARRAY an array of it (anyelement,
                            anyarray) */
    MR_FN_CATALOG = 1024, /* looks into the catalogue: eval->names; refused in standing queries */
    MR_FN_ARRAY_CALL = 2048, /* named f(variadic): how f(…, VARIADIC array) is computed */
    /* FALLIBLE, of texts and one moment: with the same texts it fails for all moments or none, but
     * for those at the ends of time.  Who has tried the first, one near the last, one between them
     * and both infinities knows.  Of intervals, it fails for all of less than 2^63 us or for
     * none. */
    MR_FN_FAILS_BY_TEXT = 4096,
    MR_FN_COMPATIBLE = 128, /* the same, of the type that all arguments can have (anycompatible) */
};

/*
 * Fills `out`: flat, of `rows` values, memory there already; with MR_FN_STRICT its validity is
 * there too and must not be changed by kernels that cannot return NULL for values.  Arguments are
 * flat or constant (read cell 0); at least one is flat, or rows is 1.
 */
typedef MrStatus MrFunctionEval(MrEval *eval, const MrVector *const *args, uint32_t arg_count,
                                uint32_t rows, MrVector *out);

/* Calls a kernel as an expression does: makes `out` of the type (its validity is the arguments'
 * with MR_FN_STRICT), and computes constants once. */
MrStatus mr_run_kernel(MrFunctionEval *kernel, MrType type, uint32_t flags, MrEval *eval,
                       const MrVector *const *args, uint32_t arg_count, uint32_t rows,
                       MrVector *out);

typedef struct MrFunction {
    const char *name;
    MrTypeId args[MR_FUNCTION_ARGS_MAX];
    uint8_t arg_count;
    MrTypeId result;
    MrFunctionEval *eval;
    uint32_t flags;
    const char *doc;
    const char *example; /* SQL expression */
    const char *returns; /* its text; a test runs it */
} MrFunction;

/* All overloads of a name (lower case), or 0.  Pointers stay valid for ever. */
uint32_t mr_function_lookup(MrString name, const MrFunction *const **out);
/* Adds a table of functions that live above the engine, before anybody looks for one. */
void mr_function_add_table(const MrFunction *table, uint32_t count);
/* Every function, for SHOW FUNCTIONS and the documentation. */
uint32_t mr_function_all(const MrFunction *const **out);

typedef enum MrCastContext { MR_CAST_IMPLICIT, MR_CAST_ASSIGNMENT, MR_CAST_EXPLICIT } MrCastContext;

typedef struct MrCast {
    MrTypeId from, to;
    MrCastContext context; /* the weakest context in which it is applied */
    MrFunctionEval *eval;  /* NULL: the bytes are the same (varchar and text) */
    uint32_t flags;
} MrCast;

/* The cast as PostgreSQL's pg_cast has it, plus text input and output of every type (from text:
 * explicit; to text: assignment).  NULL: there is none. */
const MrCast *mr_cast_find(MrTypeId from, MrTypeId to);
/* The kernel that applies out->type.typmod to values of the type (varchar(n), numeric(p,s),
 * timestamp(p) …); NULL: the type has none.  Explicit casts cut text, others fail with 22001. */
MrFunctionEval *mr_cast_length(MrTypeId type, bool is_explicit);

#endif
