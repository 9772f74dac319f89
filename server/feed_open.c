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

static const char *feed_option(const MrFeed *feed, const char *name, const char *otherwise)
{
    const MrStream *stream = feed->relation->stream;
    return mr_option_text(stream->options, stream->option_count, name, otherwise);
}

bool mr_feed_has_end(const MrFeed *feed)
{
    return strcmp(feed->relation->stream->connector, "file") == 0 &&
           strcmp(feed_option(feed, "at_end", "wait"), "wait") != 0;
}

static bool is_inside(const char *path, const char *directory)
{
    size_t length = strlen(directory);
    return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* A stream must not read what the server itself writes: logs, secrets of the catalogue, targets. */
static MrStatus path_check(const MrFeed *feed, MrError *err)
{
    const char *path = feed_option(feed, "path", NULL);
    char resolved[PATH_MAX];
    struct stat info;
    if (path == NULL) {
        return MR_OK; /* the source's own message is better */
    }
    if (realpath(path, resolved) == NULL || stat(resolved, &info) != 0) {
        return mr_error_set(err, errno == ENOENT ? MR_ERR_UNDEFINED_FILE : MR_ERR_IO,
                            "could not open file \"%s\" for reading: %s", path, strerror(errno));
    }
    if (!S_ISREG(info.st_mode)) {
        return mr_error_set(err, MR_ERR_WRONG_OBJECT_TYPE, "\"%s\" is not a regular file", path);
    }
    if (is_inside(resolved, feed->server->data_directory)) {
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

static void codec_options(const MrFeed *feed, MrIngestOptions *options)
{
    MrCodecOptions *codec = &options->codec_options;
    codec->header = codec->map_header = option_is_true(feed_option(feed, "header", NULL));
    codec->delimiter = feed_option(feed, "delimiter", "")[0];
    codec->quote = feed_option(feed, "quote", "")[0];
    codec->escape = feed_option(feed, "escape", "")[0];
    codec->null_text = feed_option(feed, "null", NULL);
    if (feed->relation->stream->format != NULL &&
        strcmp(feed->relation->stream->format, "json") == 0) {
        options->absent = MR_ABSENT_NULL;
    } else if (codec->header) {
        options->absent = MR_ABSENT_COLUMN;
    }
}

static MrStatus ingest_open(MrFeed *feed, MrError *err)
{
    const MrStream *stream = feed->relation->stream;
    uint32_t *given;
    MrIngestOptions options = { .server = feed->server,
                                .catalog = feed->catalog,
                                .relation = feed->relation,
                                .fail_on_bad_row = !stream->reject_bad_rows };
    MR_TRY(mr_ingest_all_columns(stream, &feed->arena, &given, &options.given_count, err));
    options.given = given;
    options.zone = mr_timezone_utc();
    if (feed->relation->zone_name != NULL && feed->relation->zone_name[0] != '\0') {
        MR_TRY(mr_timezone_find(mr_string(feed->relation->zone_name), &options.zone, err));
    }
    codec_options(feed, &options);
    return mr_ingest_create(&options, &feed->ingest, err);
}

static MrStatus source_open(MrFeed *feed, MrError *err)
{
    const MrStream *stream = feed->relation->stream;
    feed->source_class = mr_source_find(mr_string(stream->connector));
    if (feed->source_class == NULL) {
        return mr_error_set(err, MR_ERR_UNSUPPORTED, "connector \"%s\" is not supported",
                            stream->connector);
    }
    const MrCodecOptions *codec = mr_ingest_codec_options(feed->ingest);
    MrSourceOptions options = { .options = stream->options,
                                .option_count = stream->option_count,
                                .schema = codec->schema,
                                .codec = codec,
                                .codec_class = stream->format != NULL
                                                   ? mr_codec_find(mr_string(stream->format))
                                                   : NULL,
                                .clock = feed->server->clock,
                                .reject = mr_ingest_reject,
                                .reject_context = feed->ingest };
    if (stream->format != NULL && options.codec_class == NULL) {
        return mr_error_set(err, MR_ERR_UNSUPPORTED, "format \"%s\" is not supported",
                            stream->format);
    }
    return feed->source_class->open(&options, &feed->offset, &feed->source, err);
}

MrStatus mr_feed_open(MrFeed *feed, MrError *err)
{
    MrLogStreamFacts facts;
    if (mr_log_stream_facts(feed->server->log, feed->relation->stream->id, &facts)) {
        memcpy(feed->offset.text, facts.offset, sizeof feed->offset.text);
        feed->offset.text[sizeof feed->offset.text - 1] = '\0';
    }
    if (strcmp(feed->relation->stream->connector, "file") == 0) {
        MR_TRY(path_check(feed, err));
    }
    MR_TRY(ingest_open(feed, err));
    return source_open(feed, err);
}
