/*
 * storage/sources/piece.c - the rows of one piece after the other: see piece.h.
 */
#include "storage/sources/piece.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/crc32c.h"

struct MrPieceReader {
    const MrCodecClass *codec;
    MrDecoder *decoder;
    bool takes_crc;
    const MrPiece *piece; /* of the run under way */
    size_t used;          /* its bytes that the decoder was given */
    bool is_finished;     /* the input's end was told to the decoder */
};

static const char over_text[] = " over";

MrFilePlace mr_file_place_parse(const MrSourceOffset *offset)
{
    MrFilePlace place = { 0 };
    if (sscanf(offset->text, "byte %" SCNu64 " line %" SCNu64 " file %" SCNu64 ":%" SCNu64,
               &place.byte, &place.line, &place.device, &place.inode) < 1) {
        place = (MrFilePlace){ 0 };
    }
    place.is_over = strstr(offset->text, over_text) != NULL;
    return place;
}

void mr_file_place_write(const MrFilePlace *place, MrSourceOffset *out)
{
    snprintf(out->text, sizeof out->text,
             "byte %" PRIu64 " line %" PRIu64 " file %" PRIu64 ":%" PRIu64 "%s", place->byte,
             place->line, place->device, place->inode, place->is_over ? over_text : "");
}

void mr_piece_fini(MrPiece *piece)
{
    free(piece->data);
    *piece = (MrPiece){ 0 };
}

/* ---- readers --------------------------------------------------------------------------------- */

static MrStatus head_read(MrPieceReader *reader, MrString head, MrError *err)
{
    size_t used = 0;
    while (head.length > 0) {
        MR_TRY(reader->codec->decode(reader->decoder, head.data, head.length, &used, err));
        head.data += used;
        head.length -= used;
    }
    return MR_OK;
}

MrStatus mr_piece_reader_create(const MrPieceForm *form, MrRejectFunction *reject, void *context,
                                MrPieceReader **out, MrError *err)
{
    *out = NULL;
    MrPieceReader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return mr_error_no_memory(err);
    }
    MrCodecOptions options = form->options;
    options.header = options.header && form->head.length > 0;
    options.match_header = options.match_header && form->head.length > 0;
    options.map_header = options.map_header && form->head.length > 0;
    reader->codec = form->codec;
    reader->takes_crc = form->takes_crc;
    MrStatus status = form->codec->decoder_create(&options, reject, context, &reader->decoder, err);
    if (status == MR_OK) {
        status = head_read(reader, form->head, err);
    }
    if (status != MR_OK) {
        mr_piece_reader_destroy(reader);
        return status;
    }
    *out = reader;
    return MR_OK;
}

void mr_piece_reader_destroy(MrPieceReader *reader)
{
    if (reader != NULL) {
        if (reader->decoder != NULL) {
            reader->codec->decoder_destroy(reader->decoder);
        }
        free(reader);
    }
}

void mr_piece_reader_start(MrPieceReader *reader, const MrPiece *piece)
{
    reader->piece = piece;
    reader->used = 0;
    mr_decoder_set_lines(reader->decoder, piece->start.line);
}

void mr_piece_reader_limit_rows(MrPieceReader *reader, uint32_t rows)
{
    mr_decoder_limit_rows(reader->decoder, rows);
}

bool mr_piece_reader_is_over(const MrPieceReader *reader)
{
    MrDecoderCounts counts;
    mr_decoder_counts(reader->decoder, &counts);
    return counts.has_ended;
}

/* Decodes until the block is full or the piece has ended. */
static MrStatus block_fill(MrPieceReader *reader, MrError *err)
{
    const MrPiece *piece = reader->piece;
    while (reader->used < piece->length && !reader->codec->is_full(reader->decoder)) {
        size_t used = 0;
        MR_TRY(reader->codec->decode(reader->decoder, piece->data + reader->used,
                                     piece->length - reader->used, &used, err));
        reader->used += used;
    }
    if (reader->used == piece->length && piece->is_last && !reader->is_finished) {
        reader->is_finished = true;
        MR_TRY(reader->codec->finish(reader->decoder, err));
    }
    return MR_OK;
}

MrStatus mr_piece_reader_next(MrPieceReader *reader, MrPieceBlock *out, bool *found, MrError *err)
{
    const MrPiece *piece = reader->piece;
    MrDecoderCounts before, after;
    size_t from = reader->used;
    *out = (MrPieceBlock){ 0 };
    mr_decoder_counts(reader->decoder, &before);
    MR_TRY(block_fill(reader, err));
    mr_decoder_counts(reader->decoder, &after);
    if (after.carried_bytes > 0) {
        return mr_error_set(err, MR_ERR_INTERNAL, "a piece of input ends within a row");
    }
    MR_TRY(mr_decoder_lend(reader->decoder, &out->loan, err));
    *found = out->loan != NULL;
    out->start = piece->start;
    out->start.byte += from;
    out->start.line = before.lines;
    out->bytes = reader->used - from;
    out->is_last = reader->is_finished;
    if (*found && reader->takes_crc) {
        out->crc = mr_crc32c(0, piece->data + from, out->bytes);
    }
    MrFilePlace end = out->start;
    end.byte += out->bytes;
    end.line = after.lines;
    end.is_over = after.has_ended;
    mr_file_place_write(&end, &out->after);
    return MR_OK;
}
