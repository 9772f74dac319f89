/*
 * storage/log_net_file.c - the new file of log_net.h: what is copied, and its index.
 */
#include <stdlib.h>
#include <string.h>

#include "storage/log_net_internal.h"

/* A frame that says what `at` does, which is its entry then. */
static MrStatus put_frame(MrLogNetting *net, MrLogFrame *frame, LogIndexEntry *at, MrError *err)
{
    MrSegment *file = net->fresh.file;
    MrFrameHeader *header = frame->header;
    at->segment = file->number;
    at->offset = file->end;
    at->bytes = frame->total_bytes;
    header->kind = at->kind;
    header->transaction = 0;
    header->part = 0;
    header->stream_id = at->stream_id;
    header->row_count = at->row_count;
    header->first_sequence = at->sequence;
    header->stream_previous = at->stream_previous;
    header->arrival_us = at->arrival_us;
    header->watermark_us = at->watermark_us;
    header->watermark_after_us = at->watermark_after_us;
    header->event_min_us = at->event_min_us;
    header->event_max_us = at->event_max_us;
    header->future_rows = at->future_rows;
    MR_TRY(log_segment_reserve(&net->fresh, 1, err));
    log_segment_push(&net->fresh, at);
    mr_segment_place(file, header, frame->total_bytes);
    return mr_file_write(file->file, at->offset, header, frame->total_bytes, err);
}

/* A record as it is; it becomes a frame of its own, whatever it was a part of.  The row of a table
 * before it may be left out, and is not missed. */
static MrStatus copy_record(MrLogNetting *net, LogIndexEntry at, MrError *err)
{
    MrLogFrame *frame;
    pthread_mutex_lock(&net->log->lock);
    MrSegment *from = log_entry_file(net->log, &at);
    pthread_mutex_unlock(&net->log->lock);
    MrStatus status = log_frame_load(net->log, &at, from, &frame, err);
    mr_segment_release(from);
    if (status == MR_OK) {
        at.stream_previous = log_net_find(net, at.stream_id) == UINT32_MAX ? at.stream_previous : 0;
        status = put_frame(net, frame, &at, err);
        mr_frame_release(frame);
    }
    return status;
}

static MrStatus put_block(MrLogNetting *net, const LogIndexEntry *whole, const MrLogRecord *record,
                          MrError *err)
{
    MrLogFrame *frame;
    LogIndexEntry at = *whole;
    at.sequence = record->first_sequence;
    at.row_count = record->row_count;
    at.stream_previous = 0;
    at.watermark_us = record->watermark_us;
    at.watermark_after_us = record->watermark_after_us;
    MR_TRY(mr_frame_create(&net->log->pool, mr_block_encoded_bytes(record->block), &frame, err));
    mr_block_encode(record->block, mr_frame_body(frame));
    frame->header->body_crc = mr_frame_body_crc(frame->header, mr_frame_body(frame));
    MrStatus status = put_frame(net, frame, &at, err);
    mr_frame_release(frame);
    return status;
}

/* Rows [first, last] of a table's record. */
static MrStatus copy_rows(MrLogNetting *net, const LogIndexEntry *at, uint64_t first, uint64_t last,
                          MrError *err)
{
    MrArena arena;
    MrLogFilter filter;
    MrLogRecord record;
    bool found = false;
    mr_arena_init(&arena, 0);
    MrStatus status = log_net_filter(at->stream_id, &arena, &filter, err);
    if (status == MR_OK) {
        status = mr_log_read(net->log, first, last, &filter, &arena, &record, &found, err);
    }
    if (status == MR_OK && found) {
        status = put_block(net, at, &record, err);
        mr_log_release(&record);
    }
    mr_arena_fini(&arena);
    return status;
}

/* The rows of the record that live, in runs. */
static MrStatus copy_living(MrLogNetting *net, const LogIndexEntry *at, uint32_t t, MrError *err)
{
    Living *living = &net->living[t];
    const uint64_t end = at->sequence + at->row_count;
    while (living->at < living->count && living->sequences[living->at] < end) {
        const uint64_t first = living->sequences[living->at];
        uint64_t last = first;
        while (++living->at < living->count && living->sequences[living->at] == last + 1 &&
               last + 1 < end) {
            last++;
        }
        MR_TRY(last - first + 1 == at->row_count ? copy_record(net, *at, err)
                                                 : copy_rows(net, at, first, last, err));
    }
    return MR_OK;
}

MrStatus log_net_copy(MrLogNetting *net, const LogSegment *segment, MrError *err)
{
    for (uint32_t j = 0; j < segment->count; j++) {
        pthread_mutex_lock(&net->log->lock);
        const LogIndexEntry at = segment->entries[j];
        const bool stays = log_net_keeps(net, segment, &at);
        pthread_mutex_unlock(&net->log->lock);
        const uint32_t t = log_net_table(net, &at);
        if (stays) {
            MR_TRY(t == UINT32_MAX ? copy_record(net, at, err) : copy_living(net, &at, t, err));
        }
        MR_TRY(log_net_check_cancel(net, err));
    }
    return MR_OK;
}

/* What was known of the streams at the end of the last file, and which tables are contents now. */
static MrStatus state_of_end(MrLogNetting *net, MrBuilder *out, MrError *err)
{
    MrLogFrame *index;
    LogSegment last = { .file = net->range[net->range_count - 1]->file };
    const void *state;
    size_t bytes;
    MR_TRY(mr_segment_read_index(last.file, &net->log->pool, &index, err));
    MrStatus status = log_index_decode(&last, index, &state, &bytes, err);
    if (status == MR_OK) {
        const size_t head = sizeof(LogStateHead);
        mr_builder_append(out, state, bytes);
        for (size_t at = head; !out->failed && at + sizeof(LogStreamState) <= bytes;
             at += sizeof(LogStreamState)) {
            LogStreamState one;
            memcpy(&one, out->data + at, sizeof one);
            one.is_netted |= log_net_find(net, one.stream_id) != UINT32_MAX;
            memcpy(out->data + at, &one, sizeof one);
        }
        status = out->failed ? mr_error_no_memory(err) : MR_OK;
    }
    log_segment_drop_entries(&last);
    free(last.moved);
    mr_frame_release(index);
    return status;
}

MrStatus log_net_seal(MrLogNetting *net, MrError *err)
{
    MrBuilder state, index;
    mr_builder_init(&state, 0);
    mr_builder_init(&index, 0);
    MrStatus status = state_of_end(net, &state, err);
    net->fresh.first_sequence = net->range[0]->first_sequence;
    net->fresh.next_sequence = net->end;
    net->fresh.is_rewritten = net->fresh.is_netted = true;
    if (status == MR_OK) {
        status = log_index_encode(&net->fresh, state.data, state.length, &index, err);
    }
    if (status == MR_OK) {
        status = mr_segment_seal(net->fresh.file, index.data, index.length, &net->log->pool, err);
    }
    mr_builder_fini(&state);
    mr_builder_fini(&index);
    return status;
}
