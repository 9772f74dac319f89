/*
 * tests/unit/over_model.h - OVER and top-N over random plans: the rows, a plan, and the naive model
 * that computes everything anew.
 */
#ifndef MR_TESTS_UNIT_OVER_MODEL_H
#define MR_TESTS_UNIT_OVER_MODEL_H

#include "engine/operators/over.h"
#include "tests/unit/engine_values.h"

enum { ID, PART, AT, VAL, NAME, FLAG, COLUMNS };

typedef struct Row {
    MrDatum cells[COLUMNS];
    uint64_t arrival;
    int64_t watermark_us; /* before it */
} Row;

/* One random plan. */
typedef struct Case {
    bool is_top_n, retracts, timed, closes;
    int64_t lateness_us, end_after_us; /* of windows: at + end_after closes; 0: none */
    MrSortKey order[2];
    uint32_t partition[1];
    MrOverCall calls[4];
    MrOverSpec over;
    MrTopNSpec top;
    MrColumn schema[COLUMNS + 4];
    MrDagNode node;
} Case;

/* What has been sent, as text, with how many copies of it stand. */
typedef struct Sent {
    char *text;
    int64_t count;
} Sent;
typedef struct Output {
    Sent *rows;
    uint32_t count, capacity;
    bool took_back;
} Output;

char *over_datum_text(const MrDatum *datum);
/* `weight` copies more; took_back where the last one goes. */
void over_output_add(Output *output, const char *text, int64_t weight);
/* What the plan answers over the rows, which are put into its order. */
Output over_model(Case *c, const Row **rows, uint32_t count);
/* Fails the test where the two are not the same bag of rows. */
void over_check_same(const Output *got, const Output *wanted, uint64_t seed, const char *when);

#endif
