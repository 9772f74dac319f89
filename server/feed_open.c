/*
 * server/feed_open.c - from the options of a stream to its source: which file may be read, how its
 * rows are written, where to go on.  Must not know threads.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/timezone.h"
#include "server/feed.h"

static const char *input_option(const MrStream *stream, const char *name, const char *otherwise)
{
    return mr_option_text(stream->options, stream->option_count, name, otherwise);
}

bool mr_feed_has_end(const MrFeed *feed)
{
    const MrStream *stream = feed->relation->stream;
    return strcmp(stream->connector, "file") == 0 &&
           !mr_string_equal_nocase(mr_string(input_option(stream, "at_end", "wait")),
                                   mr_string("wait"));
}

static bool is_inside(const char *path, const char *directory)
{
    size_t length = strlen(directory);
    return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

MrStatus mr_feed_path_check(const MrServer *server, const MrStream *stream, MrError *err)
{
    const char *path = input_option(stream, "path", NULL);
    char resolved[PATH_MAX];
    struct stat info;
    if (strcmp(stream->connector, "file") != 0 || path == NULL) {
        return MR_OK; /* the source's own message is better */
    }
    if (realpath(path, resolved) == NULL || stat(resolved, &info) != 0) {
        return mr_error_set(err, errno == ENOENT ? MR_ERR_UNDEFINED_FILE : MR_ERR_IO,
                            "could not open file \"%s\" for reading: %s", path, strerror(errno));
    }
    if (!S_ISREG(info.st_mode)) {
        return mr_error_set(err, MR_ERR_WRONG_OBJECT_TYPE, "\"%s\" is not a regular file", path);
    }
    if (is_inside(resolved, server->data_directory)) {
        mr_error_set(err, MR_ERR_INSUFFICIENT_PRIVILEGE, "file \"%s\" is inside the data directory",
                     path);
        return mr_error_hint(err, "Put input files somewhere else.");
    }
    return MR_OK;
}

static bool option_is_true(const char *text)
{
    static const char *const words[] = { "true", "on", "yes", "1", "t", "y" };
    for (size_t i = 0; text != NULL && i < sizeof words / sizeof words[0]; i++) {
        if (mr_string_equal_nocase(mr_string(text), mr_string(words[i]))) {
            return true;
        }
    }
    return false;
}

static void codec_options(const MrStream *stream, MrIngestOptions *options)
{
    MrCodecOptions *codec = &options->codec_options;
    codec->header = codec->map_header = option_is_true(input_option(stream, "header", NULL));
    codec->delimiter = input_option(stream, "delimiter", "")[0];
    codec->quote = input_option(stream, "quote", "")[0];
    codec->escape = input_option(stream, "escape", "")[0];
    codec->null_text = input_option(stream, "null", NULL);
    if (stream->format != NULL && strcmp(stream->format, "csv") != 0) {
        options->absent = MR_ABSENT_NULL;
    } else if (codec->header) {
        options->absent = MR_ABSENT_COLUMN;
    }
}

MrStatus mr_feed_ingest_open(const MrFeedInput *input, MrIngest **out, MrError *err)
{
    const MrRelation *relation = input->relation;
    uint32_t *given;
    MrIngestOptions options = { .server = input->server,
                                .catalog = input->catalog,
                                .relation = relation,
                                .is_replay = input->is_replay,
                                .fail_on_bad_row = !relation->stream->reject_bad_rows };
    MR_TRY(
        mr_ingest_all_columns(relation->stream, input->arena, &given, &options.given_count, err));
    options.given = given;
    options.zone = mr_timezone_utc();
    if (relation->zone_name != NULL && relation->zone_name[0] != '\0') {
        MR_TRY(mr_timezone_find_stored(mr_string(relation->zone_name), &options.zone, err));
    }
    if (input->takes_bytes) {
        options.codec = mr_codec_find(mr_string(relation->stream->format));
    }
    codec_options(relation->stream, &options);
    return mr_ingest_create(&options, out, err);
}

static MrStatus source_options(const MrFeedInput *input, MrIngest *ingest,
                               const MrSourceClass **source, MrSourceOptions *out, MrError *err)
{
    const MrStream *stream = input->relation->stream;
    const MrCodecOptions *codec = mr_ingest_codec_options(ingest);
    *source = mr_source_find(mr_string(stream->connector));
    if (*source == NULL) {
        return mr_error_set(err, MR_ERR_UNSUPPORTED, "connector \"%s\" is not supported",
                            stream->connector);
    }
    *out = (MrSourceOptions){ .options = stream->options,
                              .option_count = stream->option_count,
                              .schema = codec->schema,
                              .codec = codec,
                              .codec_class = stream->format != NULL
                                                 ? mr_codec_find(mr_string(stream->format))
                                                 : NULL,
                              .clock = input->server->clock,
                              .reject = mr_ingest_reject,
                              .reject_context = ingest };
    return stream->format != NULL && out->codec_class == NULL
               ? mr_error_set(err, MR_ERR_UNSUPPORTED, "format \"%s\" is not supported",
                              stream->format)
               : MR_OK;
}

MrStatus mr_feed_input_open(const MrFeedInput *input, MrIngest **ingest,
                            const MrSourceClass **source, MrSourceOptions *options, MrError *err)
{
    MR_TRY(mr_feed_ingest_open(input, ingest, err));
    return source_options(input, *ingest, source, options, err);
}

MrStatus mr_feed_open(MrFeed *feed, MrError *err)
{
    const MrStream *stream = feed->relation->stream;
    MrFeedInput input = { .server = feed->server,
                          .catalog = feed->catalog,
                          .relation = feed->relation,
                          .arena = &feed->arena };
    MrSourceOptions options;
    MrLogStreamFacts facts;
    if (mr_log_stream_facts(feed->server->log, stream->id, &facts)) {
        memcpy(feed->offset.text, facts.offset, sizeof feed->offset.text);
        feed->offset.text[sizeof feed->offset.text - 1] = '\0';
    }
    MR_TRY(mr_feed_path_check(feed->server, stream, err));
    feed->range_use = mr_ranges_use(stream);
    MR_TRY(mr_feed_input_open(&input, &feed->ingest, &feed->source_class, &options, err));
    options.keeps_ranges = feed->range_use != MR_RANGES_NEVER;
    return feed->source_class->open(&options, &feed->offset, &feed->source, err);
}
