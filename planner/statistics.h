/*
 * planner/statistics.h - what a standing query was told of the sizes of its inputs, as one line of
 * text: it is planned again at every start, and its state is that of its plan, so it must be told
 * the same then.  Must not know who counts.
 */
#ifndef MR_PLANNER_STATISTICS_H
#define MR_PLANNER_STATISTICS_H

#include "planner/planner.h"

/* Passes questions on, and notes the answers. */
typedef struct MrStatisticsNotes {
    MrStatisticFunction *ask; /* NULL: nothing is known */
    void *context;
    MrArena *arena;
    const char *text; /* in the arena; NULL: nothing was asked, or known */
} MrStatisticsNotes;

/* Both are an MrStatisticFunction: `context` is an MrStatisticsNotes … */
int64_t mr_statistics_note(void *context, const MrRelation *relation, int32_t column);
/* … and the text that was noted, or NULL: nothing is known. */
int64_t mr_statistics_recall(void *context, const MrRelation *relation, int32_t column);

/* The number of distinct values among `total` rows, of which `sampled` were looked at: those had
 * `distinct` values, of which `once` were there once.  By the estimator Duj1 of P. Haas, L. Stokes,
 * "Estimating the number of classes in a finite population" (1998), which PostgreSQL's ANALYZE uses
 * too. */
double mr_statistics_distinct(double total, double sampled, double distinct, double once);

#endif
