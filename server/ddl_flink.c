/*
 * server/ddl_flink.c - the steps of DDL that concern views which a Flink cluster computes: their
 * job, and the table in which it says what it has read.
 */
#include "common/fault.h"
#include "server/ddl_internal.h"
#include "server/flink.h"
#include "server/scheduler.h"

MrStatus mr_ddl_refuse_flink(MrDdl *ddl, const MrRelation *relation)
{
    mr_error_set(&ddl->err, MR_ERR_UNSUPPORTED,
                 "\"%s\" is computed by Flink, or would be: it cannot be changed in its place",
                 relation->name);
    return mr_error_hint(&ddl->err, "DROP it, and CREATE it again; SUSPEND and RESUME are there.");
}

/* ---- CREATE ---------------------------------------------------------------------------------- */

static void checked(void *context, MrStatus status, const MrError *err)
{
    MrDdl *ddl = context;
    if (status != MR_OK) {
        ddl->err = *err;
        mr_ddl_fail(ddl, status);
        return;
    }
    ddl->next(ddl);
}

void mr_ddl_check_flink(MrDdl *ddl, void (*next)(MrDdl *ddl))
{
    ddl->next = next;
    mr_flink_check(ddl->server, ddl->catalog, &ddl->relation, ddl->plan, checked, ddl);
}

MrStatus mr_ddl_flink_table(MrSink *sink, const MrRelation *relation, bool makes, MrError *err)
{
    static const uint8_t no_nonce[16];
    char name[MR_SINK_SIDE_NAME_BYTES];
    uint8_t id[16];
    MrSinkTable table = mr_flink_acks_table(relation, name, id);
    return makes ? sink->sink_class->create_table(sink, id, no_nonce, &table, err)
                 : sink->sink_class->drop_table(sink, id, &table, err);
}

/* ---- DROP ------------------------------------------------------------------------------------ */

/* The job goes on where it was stopped for nothing. */
static void drop_failed(MrDdl *ddl)
{
    bool was_suspended = strcmp(ddl->state_before, "running") != 0;
    const MrStandingQuery *standing = ddl->victims[ddl->victim_at]->standing;
    mr_flink_suspend(ddl->server, standing->id, was_suspended);
    ddl->flink_next(ddl);
}

static void parts_dropped(MrDdl *ddl)
{
    if (ddl->status != MR_OK) {
        drop_failed(ddl);
        return;
    }
    mr_flink_forget(ddl->server, ddl->victims[ddl->victim_at]->standing->id);
    ddl->flink_next(ddl);
}

static void drop_parts_job(MrDdl *ddl, MrTarget *target)
{
    const MrStandingQuery *standing = ddl->victims[ddl->victim_at]->standing;
    if (!mr_ddl_drop_result(ddl, target, "files as they are")) {
        return;
    }
    mr_scheduler_remove(ddl->server, standing->id, target, true);
}

static void tables_dropped(MrDdl *ddl)
{
    if (ddl->status == MR_OK) {
        ddl->status = mr_targets_find(ddl->server, ddl->catalog, MR_CONNECTION_EXCHANGE,
                                      &ddl->thread, &ddl->err);
    }
    if (ddl->status != MR_OK) {
        drop_failed(ddl);
        return;
    }
    mr_ddl_on_target(ddl, drop_parts_job, parts_dropped);
}

static void drop_tables_job(MrDdl *ddl, MrTarget *target)
{
    const MrRelation *victim = ddl->victims[ddl->victim_at];
    MrSink *sink;
    ddl->status = mr_target_sink(target, &sink, &ddl->err);
    if (ddl->status == MR_OK) {
        ddl->status = mr_ddl_flink_table(sink, victim, false, &ddl->err);
    }
    if (ddl->status == MR_OK) {
        ddl->status =
            sink->sink_class->drop_table(sink, victim->standing->id, &ddl->table, &ddl->err);
    }
    if (ddl->status != MR_OK && !ddl->forces) {
        mr_error_hint(&ddl->err, "DROP … FORCE forgets the query and leaves its table as it is.");
        return;
    }
    ddl->status = MR_OK;
    mr_fault_point("ddl.after_drop_table");
}

static void job_stopped(void *context, MrStatus status, const MrError *err)
{
    MrDdl *ddl = context;
    ddl->status = status;
    if (status != MR_OK) {
        ddl->err = *err;
        mr_error_hint(&ddl->err, "DROP … FORCE forgets the query and leaves its job as it is.");
        ddl->flink_next(ddl);
        return;
    }
    mr_ddl_on_target(ddl, drop_tables_job, tables_dropped);
}

void mr_ddl_drop_flink(MrDdl *ddl, void (*next)(MrDdl *ddl))
{
    ddl->flink_next = next;
    mr_flink_stop(ddl->server, ddl->victims[ddl->victim_at]->standing->id, ddl->forces, job_stopped,
                  ddl);
}
