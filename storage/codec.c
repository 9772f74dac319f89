/*
 * storage/codec.c - finds the class of a format.
 * Must not know what any format looks like.
 */
#include "storage/codec.h"

#include "storage/codecs/decoder.h"

static const MrCodecClass *const codec_classes[] = {
#define MR_CODEC(class) &class,
#include "storage/codecs/codecs.def"
#undef MR_CODEC
};

const MrCodecClass *mr_codec_find(MrString name)
{
    for (size_t i = 0; i < sizeof codec_classes / sizeof codec_classes[0]; i++) {
        if (mr_string_equal_nocase(name, mr_string(codec_classes[i]->name))) {
            return codec_classes[i];
        }
    }
    return NULL;
}

void mr_decoder_counts(const MrDecoder *decoder, MrDecoderCounts *out)
{
    *out = decoder->counts;
}

void mr_decoder_set_lines(MrDecoder *decoder, uint64_t lines)
{
    decoder->counts.lines = lines;
}

void mr_decoder_limit_rows(MrDecoder *decoder, uint32_t rows)
{
    mr_stage_limit_rows(&decoder->stage, rows);
}
