/*
 * planner/call_list.c - see call_list.h.
 */
#include "planner/call_list.h"

#define TYPES(...)     \
    (const MrTypeId[]) \
    {                  \
        __VA_ARGS__    \
    }
#define LIST(...) sizeof(TYPES(__VA_ARGS__)) / sizeof(MrTypeId)

#define CALL_0(NAME, R, FLAGS, DOC, EXAMPLE, RETURNS)                                    \
    {                                                                                    \
        NAME, false, NULL, 0, MR_TYPE_##R, MR_FN_STRICT | (FLAGS), DOC, EXAMPLE, RETURNS \
    }
#define CALL_1(NAME, A, R, FLAGS, DOC, EXAMPLE, RETURNS)                              \
    {                                                                                 \
        NAME, false, TYPES(MR_TYPE_##A), 1, MR_TYPE_##R, FLAGS, DOC, EXAMPLE, RETURNS \
    }
#define OVER_0(NAME, R, DOC, EXAMPLE, RETURNS)                     \
    {                                                              \
        NAME, true, NULL, 0, MR_TYPE_##R, 0, DOC, EXAMPLE, RETURNS \
    }
#define OVER_N(NAME, R, FLAGS, DOC, EXAMPLE, RETURNS, ...)                                      \
    {                                                                                           \
        NAME, true, TYPES(__VA_ARGS__), LIST(__VA_ARGS__), MR_TYPE_##R, MR_FN_STRICT | (FLAGS), \
            DOC, EXAMPLE, RETURNS                                                               \
    }
#define ANY MR_TYPE_UNKNOWN
#define INT MR_TYPE_INT32

/* Clients take a function of the session's for stable: it is asked once per statement. */
static const MrListedCall calls[] = {
    CALL_0("now", TIMESTAMPTZ, MR_FN_STABLE,
           "Directly over a stream when the row came in, else when the statement began.",
           "now() > '2020-01-01'", "t"),
    CALL_0("transaction_timestamp", TIMESTAMPTZ, MR_FN_STABLE, "The same as now().",
           "transaction_timestamp() = now()", "t"),
    CALL_0("statement_timestamp", TIMESTAMPTZ, MR_FN_STABLE, "The same as now().",
           "statement_timestamp() = now()", "t"),
    CALL_0("clock_timestamp", TIMESTAMPTZ, MR_FN_VOLATILE,
           "The same as now(); refused in standing queries.", "clock_timestamp() = now()", "t"),
    CALL_0("proctime", TIMESTAMPTZ, MR_FN_STABLE,
           "When the row came in; directly over a stream only.", NULL, NULL),
    CALL_1("age", TIMESTAMP, INTERVAL, MR_FN_STRICT | MR_FN_STABLE,
           "Years, months and days from then to this day's midnight.",
           "age(current_date::timestamp)", "00:00:00"),
    CALL_1("age", TIMESTAMPTZ, INTERVAL, MR_FN_STRICT | MR_FN_STABLE,
           "Years, months and days from then to this day's midnight.",
           "age(current_date::timestamptz)", "00:00:00"),
    CALL_1("current_watermark", TEXT, TIMESTAMPTZ, MR_FN_STABLE,
           "No row of the stream at or before this event time is expected any more.", NULL, NULL),
    CALL_0("current_database", NAME, MR_FN_STABLE, "Name of the database.",
           "current_database() = current_catalog", "t"),
    CALL_0("current_schema", NAME, MR_FN_STABLE, "The schema in which CREATE works.",
           "current_schema()", "public"),
    CALL_0("version", TEXT, MR_FN_STABLE, "Version of the server.",
           "version() LIKE 'PostgreSQL 15.% (Millrace%'", "t"),
    CALL_1("pg_typeof", UNKNOWN, REGTYPE, MR_FN_STABLE | MR_FN_ANY_ARGS, "The value's type.",
           "pg_typeof(1.5)", "numeric"),
    OVER_0("row_number", INT64, "Number of the row in its partition, from 1.",
           "row_number() OVER ()", "1"),
    OVER_0("rank", INT64, "1 and the rows before those of the same place.",
           "rank() OVER (ORDER BY x) FROM unnest(ARRAY[7, 7, 9]) AS t(x) ORDER BY x DESC", "3"),
    OVER_0("dense_rank", INT64, "1 and the places before this one.",
           "dense_rank() OVER (ORDER BY x) FROM unnest(ARRAY[7, 7, 9]) AS t(x) ORDER BY x DESC",
           "2"),
    OVER_0("percent_rank", FLOAT64, "(rank - 1) / (rows - 1).",
           "percent_rank() OVER (ORDER BY x) FROM unnest(ARRAY[7, 8, 9]) AS t(x) ORDER BY x DESC",
           "1"),
    OVER_0("cume_dist", FLOAT64, "Share of the rows up to this place.",
           "cume_dist() OVER (ORDER BY x) FROM unnest(ARRAY[7, 8]) AS t(x) ORDER BY x", "0.5"),
    OVER_N("ntile", INT32, 0, "Number of the row's part, of that many equal parts.",
           "ntile(2) OVER (ORDER BY x) FROM unnest(ARRAY[7, 8, 9]) AS t(x) ORDER BY x DESC", "2",
           INT),
    OVER_N("lag", UNKNOWN, 0, "The value one row before.",
           "lag(x) OVER (ORDER BY x) FROM unnest(ARRAY[7, 9]) AS t(x) ORDER BY x DESC", "7", ANY),
    OVER_N("lag", UNKNOWN, 0, "The value that many rows before.",
           "lag(x, 2) OVER (ORDER BY x) FROM unnest(ARRAY[7, 8, 9]) AS t(x) ORDER BY x DESC", "7",
           ANY, INT),
    OVER_N("lag", UNKNOWN, MR_FN_COMPATIBLE,
           "The value that many rows before; the third argument where there is none.",
           "lag(x, 1, 0) OVER (ORDER BY x) FROM unnest(ARRAY[7, 9]) AS t(x) ORDER BY x", "0", ANY,
           INT, ANY),
    OVER_N("lead", UNKNOWN, 0, "The value one row after.",
           "lead(x) OVER (ORDER BY x) FROM unnest(ARRAY[7, 9]) AS t(x) ORDER BY x", "9", ANY),
    OVER_N("lead", UNKNOWN, 0, "The value that many rows after.",
           "lead(x, 2) OVER (ORDER BY x) FROM unnest(ARRAY[7, 8, 9]) AS t(x) ORDER BY x", "9", ANY,
           INT),
    OVER_N("lead", UNKNOWN, MR_FN_COMPATIBLE,
           "The value that many rows after; the third argument where there is none.",
           "lead(x, 1, 0) OVER (ORDER BY x) FROM unnest(ARRAY[7, 9]) AS t(x) ORDER BY x DESC", "0",
           ANY, INT, ANY),
    OVER_N("first_value", UNKNOWN, 0, "The value of the frame's first row.",
           "first_value(x) OVER (ORDER BY x) FROM unnest(ARRAY[7, 9]) AS t(x) ORDER BY x DESC", "7",
           ANY),
    OVER_N("last_value", UNKNOWN, 0, "The value of the frame's last row.",
           "last_value(x) OVER () FROM (VALUES (9)) AS t(x)", "9", ANY),
    OVER_N("nth_value", UNKNOWN, 0, "The value of the frame's row of that number, from 1.",
           "nth_value(x, 2) OVER (ORDER BY x) FROM unnest(ARRAY[7, 9]) AS t(x) ORDER BY x DESC",
           "9", ANY, INT),
};

const MrListedCall *mr_listed_calls(uint32_t *count)
{
    *count = sizeof calls / sizeof calls[0];
    return calls;
}
