/*
 * common/metrics.c - the process's counters and gauges.
 * Series are found under a lock and counted without one.
 */
#include "common/metrics.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SERIES_MAX 10000

struct MrMetric {
    MrMetric *next; /* of the same id, ascending by label */
    _Atomic int64_t value;
    bool listed;
    const char *label;
};

static const MrMetricInfo infos[MR_METRIC_COUNT] = {
#define MR_METRIC(id, metric_name, metric_kind, key, text)                                    \
    [MR_METRIC_##id] = {                                                                      \
        .name = (metric_name), .kind = MR_METRIC_##metric_kind, .label = (key), .doc = (text) \
    },
#include "common/metrics.def"
#undef MR_METRIC
};

static pthread_mutex_t metrics_lock = PTHREAD_MUTEX_INITIALIZER;
static MrMetric *series[MR_METRIC_COUNT];
static size_t series_count;
/* The last resort: static, so that there always is one to count on.  Listed as "other". */
static MrMetric others[MR_METRIC_COUNT];

const MrMetricInfo *mr_metric_info(MrMetricId id)
{
    return &infos[id];
}

static MrMetric *metric_create(const char *label)
{
    size_t bytes = strlen(label) + 1;
    MrMetric *metric = malloc(sizeof *metric + bytes);
    if (metric != NULL) {
        metric->next = NULL;
        atomic_init(&metric->value, 0);
        metric->label = memcpy(metric + 1, label, bytes);
    }
    return metric;
}

MrMetric *mr_metric_get(MrMetricId id, const char *label)
{
    label = label == NULL ? "" : label;
    pthread_mutex_lock(&metrics_lock);
    MrMetric **place = &series[id];
    while (*place != NULL && strcmp((*place)->label, label) < 0) {
        place = &(*place)->next;
    }
    MrMetric *metric = *place;
    if (metric == NULL || strcmp(metric->label, label) != 0) {
        metric = series_count < SERIES_MAX ? metric_create(label) : NULL;
        if (metric != NULL) {
            metric->next = *place;
            *place = metric;
            series_count++;
        } else {
            metric = &others[id];
        }
    }
    metric->listed = true;
    pthread_mutex_unlock(&metrics_lock);
    return metric;
}

void mr_metric_add(MrMetric *metric, int64_t amount)
{
    atomic_fetch_add_explicit(&metric->value, amount, memory_order_relaxed);
}

void mr_metric_set(MrMetric *metric, int64_t value)
{
    atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

int64_t mr_metric_value(const MrMetric *metric)
{
    return atomic_load_explicit(&metric->value, memory_order_relaxed);
}

bool mr_metrics_find(MrString name, MrString label, int64_t *out)
{
    bool found = false;

    pthread_mutex_lock(&metrics_lock);
    for (int id = 0; id < MR_METRIC_COUNT && !found; id++) {
        if (!mr_string_equal(name, mr_string(infos[id].name))) {
            continue;
        }
        for (const MrMetric *metric = series[id]; metric != NULL && !found; metric = metric->next) {
            if (metric->listed && mr_string_equal(label, mr_string(metric->label))) {
                *out = mr_metric_value(metric);
                found = true;
            }
        }
    }
    pthread_mutex_unlock(&metrics_lock);
    return found;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(infos[*(const int *)a].name, infos[*(const int *)b].name);
}

void mr_metrics_each(void (*each)(void *context, const MrMetricInfo *info, const char *label,
                                  int64_t value),
                     void *context)
{
    int order[MR_METRIC_COUNT];

    for (int i = 0; i < MR_METRIC_COUNT; i++) {
        order[i] = i;
    }
    qsort(order, MR_METRIC_COUNT, sizeof order[0], compare_names);
    pthread_mutex_lock(&metrics_lock);
    for (int i = 0; i < MR_METRIC_COUNT; i++) {
        int id = order[i];
        for (const MrMetric *metric = series[id]; metric != NULL; metric = metric->next) {
            if (metric->listed) {
                each(context, &infos[id], metric->label, mr_metric_value(metric));
            }
        }
        if (others[id].listed) {
            each(context, &infos[id], "other", mr_metric_value(&others[id]));
        }
    }
    pthread_mutex_unlock(&metrics_lock);
}

void mr_metrics_forget(const char *label_key, const char *label)
{
    pthread_mutex_lock(&metrics_lock);
    for (int id = 0; id < MR_METRIC_COUNT; id++) {
        if (infos[id].label == NULL || strcmp(infos[id].label, label_key) != 0) {
            continue;
        }
        for (MrMetric *metric = series[id]; metric != NULL; metric = metric->next) {
            if (strcmp(metric->label, label) == 0) {
                metric->listed = false;
                mr_metric_set(metric, 0);
            }
        }
    }
    pthread_mutex_unlock(&metrics_lock);
}
