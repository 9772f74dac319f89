/*
 * planner/flink.h - a standing query as Flink SQL: the statements by which a cluster runs it
 * (engine = 'flink').  Names tables and columns only; where rows lie and who may read them
 * (connectors, paths, passwords) is added by the server.  Must not know REST, files or clusters.
 */
#ifndef MR_PLANNER_FLINK_H
#define MR_PLANNER_FLINK_H

#include "planner/binder.h"

/* A column of a source that is the row's place: what stands in MrFlinkColumn.ordinal. */
enum { MR_FLINK_SEQUENCE = -1, MR_FLINK_ARRIVAL = -2 };

/* A physical column of a source: a member of every JSON object that the exchange writes. */
typedef struct MrFlinkColumn {
    const char *name;
    MrType type;
    int32_t ordinal; /* of the stream's schema, or MR_FLINK_… */
} MrFlinkColumn;

/* One stream that the job reads.  Its rows are JSON objects, one a line; NULL members are null or
 * left out.  By type: integers, floats and boolean are JSON's, NaN and infinities "NaN",
 * "Infinity", "-Infinity"; numeric is text in quotes; date 'YYYY-MM-DD'; timestamp
 * 'YYYY-MM-DDTHH:MM:SS[.ffffff]'; timestamptz the same, in UTC and without a zone; bytea base64;
 * every other type PostgreSQL's text.  Dates and moments outside of the years 1 to 9999 have no
 * such form. */
typedef struct MrFlinkSource {
    const MrRelation *stream;
    const char *table; /* its name in Flink, without the quotes */
    /* CREATE TEMPORARY TABLE `…` ( columns, watermark ): the server appends WITH (…). */
    const char *ddl;
    const MrFlinkColumn *columns; /* the query may need fewer than these; more do no harm */
    uint32_t column_count;
} MrFlinkSource;

/* All text and arrays are in the arena of the plan. */
typedef struct MrFlinkJob {
    const MrFlinkSource *sources;
    uint32_t source_count;
    const char *const *settings; /* "key", "value", …: SET 'key' = 'value' before the rest */
    uint32_t setting_count;      /* of pairs */
    const char *sink;            /* the target's name in Flink, without the quotes */
    const char *sink_ddl; /* CREATE TEMPORARY TABLE `…` ( columns, PRIMARY KEY … NOT ENFORCED ) */
    const char *insert;   /* INSERT INTO `…` SELECT …, without a semicolon */
} MrFlinkJob;

/*
 * The bound tree of a standing query, before rewrites, as statements for Flink 1.20.  The plan has
 * its options, its output and its key.  What Flink would not answer as this server does is refused:
 * 0A000 with the position in the statement and a hint.  Sets plan->flink, which lives in the
 * binder's arena, and the key where rows are told apart by _seq.
 */
MrStatus mr_flink_translate(MrBinder *b, const MrLogical *tree, MrPlan *plan);

enum { MR_FLINK_KEYS_MAX = 32 };
/* Whether the root shows what tells first rows apart for a sink of Flink's: the columns that they
 * are numbered by, and their number.  Fills `keys`, of MR_FLINK_KEYS_MAX, with columns of it. */
bool mr_flink_numbered_key(const MrLogical *root, uint32_t *keys, uint32_t *count);

#endif
