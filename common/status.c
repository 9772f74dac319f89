/*
 * common/status.c - fills and extends MrError; names of statuses.
 * Must not know SQL, files or sockets.
 */
#include "common/status.h"

#include <stdio.h>
#include <string.h>

#include "common/text.h"

typedef struct StatusInfo {
    const char *name;
    const char *sqlstate;
} StatusInfo;

static const StatusInfo status_infos[MR_STATUS_COUNT] = {
    [MR_OK] = { "OK", "00000" },
#define MR_ERRCODE(name, sqlstate, doc) [MR_ERR_##name] = { #name, sqlstate },
#include "common/errcodes.def"
#undef MR_ERRCODE
};

static const StatusInfo *status_info(MrStatus status)
{
    if ((unsigned)status >= MR_STATUS_COUNT) {
        return &status_infos[MR_ERR_INTERNAL];
    }
    return &status_infos[status];
}

const char *mr_status_sqlstate(MrStatus status)
{
    return status_info(status)->sqlstate;
}

const char *mr_status_name(MrStatus status)
{
    return status_info(status)->name;
}

/* Formats into `out`.  Goes through a buffer of its own, because callers wrap a message by passing
 * err->message as an argument. */
static void error_format(char *out, size_t size, const char *format, va_list args)
{
    char text[sizeof((MrError *)NULL)->message];
    int wanted = vsnprintf(text, size, format, args);

    if (wanted < 0) {
        out[0] = '\0';
        return;
    }
    size_t length = (size_t)wanted;
    if (length >= size) {
        length = mr_utf8_truncate(text, size - 1, size - 1);
    }
    memcpy(out, text, length);
    out[length] = '\0';
}

MrStatus mr_error_vset(MrError *err, MrStatus status, const char *format, va_list args)
{
    if (err == NULL) {
        return status;
    }
    error_format(err->message, sizeof err->message, format, args);
    err->status = status;
    memcpy(err->sqlstate, mr_status_sqlstate(status), sizeof err->sqlstate);
    err->position = -1;
    err->detail[0] = '\0';
    err->hint[0] = '\0';
    return mr_error_about(err, NULL, NULL, NULL, NULL);
}

MrStatus mr_error_set(MrError *err, MrStatus status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    mr_error_vset(err, status, format, args);
    va_end(args);
    return status;
}

MrStatus mr_error_detail(MrError *err, const char *format, ...)
{
    if (err == NULL) {
        return MR_ERR_INTERNAL;
    }
    va_list args;
    va_start(args, format);
    error_format(err->detail, sizeof err->detail, format, args);
    va_end(args);
    return err->status;
}

MrStatus mr_error_hint(MrError *err, const char *format, ...)
{
    if (err == NULL) {
        return MR_ERR_INTERNAL;
    }
    va_list args;
    va_start(args, format);
    error_format(err->hint, sizeof err->hint, format, args);
    va_end(args);
    return err->status;
}

MrStatus mr_error_at(MrError *err, int32_t position)
{
    if (err == NULL) {
        return MR_ERR_INTERNAL;
    }
    err->position = position;
    return err->status;
}

static void copy_name(char out[64], const char *name)
{
    const size_t length = name == NULL ? 0 : mr_utf8_truncate(name, strlen(name), 63);
    memcpy(out, name == NULL ? "" : name, length);
    out[length] = '\0';
}

MrStatus mr_error_about(MrError *err, const char *schema_name, const char *table_name,
                        const char *column_name, const char *constraint_name)
{
    if (err == NULL) {
        return MR_ERR_INTERNAL;
    }
    copy_name(err->schema_name, schema_name);
    copy_name(err->table_name, table_name);
    copy_name(err->column_name, column_name);
    copy_name(err->constraint_name, constraint_name);
    return err->status;
}

void mr_error_sqlstate(MrError *err, const char *sqlstate)
{
    /* A target's answer is foreign text: anything but five characters would break our own wire. */
    if (err != NULL && sqlstate != NULL && strlen(sqlstate) == 5) {
        memcpy(err->sqlstate, sqlstate, sizeof err->sqlstate);
    }
}

/* Most errors are none: their texts are emptied, not filled with zeros. */
void mr_error_clear(MrError *err)
{
    if (err == NULL) {
        return;
    }
    err->status = MR_OK;
    err->position = -1;
    err->sqlstate[0] = err->message[0] = err->detail[0] = err->hint[0] = '\0';
    err->schema_name[0] = err->table_name[0] = err->column_name[0] = err->constraint_name[0] = '\0';
}

void mr_error_copy(MrError *to, const MrError *from)
{
    if (from->status == MR_OK) {
        mr_error_clear(to);
    } else if (to != from) {
        *to = *from;
    }
}

MrStatus mr_error_no_memory(MrError *err)
{
    return mr_error_set(err, MR_ERR_OUT_OF_MEMORY, "out of memory");
}
