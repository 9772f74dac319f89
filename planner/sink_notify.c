/*
 * planner/sink_notify.c - CREATE SINK … WITH (connector = 'notify', …), which CREATE ALERT is
 * another spelling of: rows are told to whoever listens to a channel.
 */
#include "planner/sink.h"

#include <string.h>

MrStatus mr_sink_notify_place(MrBinder *b, const MrAstCreateSink *statement, const MrOptionSet *set,
                              MrSinkPlace *out)
{
    MR_TRY(mr_sink_split_options(b, set, "connector|channel", out));
    MR_TRY(mr_options_text(set, "channel", &out->channel));
    if (out->channel == NULL || *out->channel == '\0') {
        mr_bind_error(b, MR_ERR_INVALID_PARAMETER, statement->base.position,
                      "connector 'notify' needs the option \"channel\"");
        return mr_error_hint(b->err, "Write WITH (connector = 'notify', channel = 'alerts').");
    }
    if (strlen(out->channel) > MR_NOTIFY_CHANNEL_BYTES_MAX) {
        mr_error_set(b->err, MR_ERR_INVALID_PARAMETER, "channel name too long");
        return mr_error_at(b->err, mr_options_find(set, "channel")->base.position);
    }
    return MR_OK;
}
