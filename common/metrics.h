/*
 * common/metrics.h - counters and gauges by name, each with at most one label value
 * (late_rows{query="busy"}).  One set for the process; thread-safe.
 */
#ifndef MR_COMMON_METRICS_H
#define MR_COMMON_METRICS_H

#include <stdatomic.h>

#include "common/text.h"

typedef enum MrMetricKind { MR_METRIC_COUNTER, MR_METRIC_GAUGE } MrMetricKind;

typedef enum MrMetricId {
#define MR_METRIC(id, name, kind, label, doc) MR_METRIC_##id,
#include "common/metrics.def"
#undef MR_METRIC
    MR_METRIC_COUNT
} MrMetricId;

typedef struct MrMetricInfo {
    const char *name;
    MrMetricKind kind;
    const char *label; /* the key, or NULL */
    const char *doc;
} MrMetricInfo;

/* One series.  Lives as long as the process, so that hot code may keep the pointer. */
typedef struct MrMetric MrMetric;

const MrMetricInfo *mr_metric_info(MrMetricId id);
/* Finds or makes the series; `label` is the label's value (NULL or "" without).  Beyond 10 000
 * series, or without memory, all further labels share the series "other": never NULL. */
MrMetric *mr_metric_get(MrMetricId id, const char *label);
void mr_metric_add(MrMetric *metric, int64_t amount);
void mr_metric_set(MrMetric *metric, int64_t value); /* of a gauge */
int64_t mr_metric_value(const MrMetric *metric);

/* The value under its name as text; false when there is no such series (yet). */
bool mr_metrics_find(MrString name, MrString label, int64_t *out);
/* Calls `each` for every series, by name and then by label, in byte order.  `each` must not call
 * mr_metric_get. */
void mr_metrics_each(void (*each)(void *context, const MrMetricInfo *info, const char *label,
                                  int64_t value),
                     void *context);
/* What has this value of this label key is no longer listed and starts from 0 when it comes back
 * (a query of that name was dropped). */
void mr_metrics_forget(const char *label_key, const char *label);

#endif
