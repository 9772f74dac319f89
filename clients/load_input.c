/*
 * clients/load_input.c - the input of mrload: files, unpacked, cut into rows.
 */
#include "clients/load_input.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "clients/buffer.h"

enum { BLOCK_BYTES = 1 << 20, ROW_BYTES_MAX = 64 << 20 };

struct MrLoadInput {
    gzFile file;
    MrLoadFormat format;
    char quote;
    uint64_t size;
    char *data; /* `end` bytes are read; rows begin at `start` */
    size_t start, end, capacity;
    uint64_t row_line, next_line; /* where the last row began, where the next one begins */
    bool has_begun;
    bool ended;
    const char *wrong; /* of reading; told once the rows before it are out */
};

/* ---- Files ----------------------------------------------------------------------------------- */

static void path_add(MrLoadFiles *files, char *path)
{
    if (files->count == files->capacity) {
        files->capacity = files->capacity == 0 ? 8 : files->capacity * 2;
        files->paths = mr_reallocate(files->paths, (size_t)files->capacity * sizeof(char *));
    }
    files->paths[files->count++] = path;
}

void mr_load_files_fini(MrLoadFiles *files)
{
    while (files->count > 0) {
        free(files->paths[--files->count]);
    }
    free(files->paths);
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

const char *mr_load_files_add(MrLoadFiles *files, const char *path)
{
    struct stat info;
    if (strcmp(path, "-") == 0) {
        path_add(files, mr_text_copy(path));
        return NULL;
    }
    if (stat(path, &info) != 0) {
        return strerror(errno);
    }
    if (!S_ISDIR(info.st_mode)) {
        path_add(files, mr_text_copy(path));
        return NULL;
    }
    struct dirent **entries;
    int count = scandir(path, &entries, visible, alphasort);
    const char *wrong = count < 0 ? strerror(errno) : NULL;
    for (int i = 0; i < count; i++) {
        char *below = mr_text_format("%s/%s", path, entries[i]->d_name);
        wrong = wrong == NULL ? mr_load_files_add(files, below) : wrong;
        free(below);
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
    return wrong;
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

/* Reads more behind what is there.  False: nothing came. */
static bool fill(MrLoadInput *input)
{
    if (input->ended) {
        return false;
    }
    if (input->start > 0) {
        memmove(input->data, input->data + input->start, input->end - input->start);
        input->end -= input->start;
        input->start = 0;
    }
    if (input->capacity - input->end < BLOCK_BYTES) {
        input->capacity = input->capacity == 0 ? 2 * BLOCK_BYTES : input->capacity * 2;
        input->data = mr_reallocate(input->data, input->capacity);
    }
    int count = gzread(input->file, input->data + input->end, BLOCK_BYTES);
    int code = Z_OK;
    const char *text = gzerror(input->file, &code);
    if (count < 0 || (code != Z_OK && code != Z_STREAM_END)) {
        input->wrong = code == Z_ERRNO       ? strerror(errno)
                       : code == Z_BUF_ERROR ? "the packed file is truncated"
                                             : text;
    }
    input->ended = count <= 0 || input->wrong != NULL;
    input->end += count > 0 ? (size_t)count : 0;
    return count > 0;
}

/* Reads the first bytes; a byte order mark, which some programs write, is no part of them. */
static void begin(MrLoadInput *input)
{
    static const char mark[] = "\xef\xbb\xbf";
    while (!input->has_begun && input->end < strlen(mark) && fill(input)) {
    }
    if (!input->has_begun && input->end >= strlen(mark) &&
        memcmp(input->data, mark, strlen(mark)) == 0) {
        input->start = strlen(mark);
    }
    input->has_begun = true;
}

static bool name_ends_with(const char *path, size_t length, const char *ending)
{
    size_t size = strlen(ending);
    return length >= size && strncasecmp(path + length - size, ending, size) == 0;
}

/* The name's ending, before .gz; what it does not say the first byte does. */
static MrLoadFormat format_find(const char *path, MrLoadInput *input)
{
    size_t length = strlen(path);
    length -= name_ends_with(path, length, ".gz") ? 3 : 0;
    if (name_ends_with(path, length, ".csv")) {
        return MR_LOAD_CSV;
    }
    if (name_ends_with(path, length, ".json") || name_ends_with(path, length, ".jsonl") ||
        name_ends_with(path, length, ".ndjson")) {
        return MR_LOAD_JSON;
    }
    if (name_ends_with(path, length, ".tsv") || name_ends_with(path, length, ".copy")) {
        return MR_LOAD_TEXT;
    }
    begin(input);
    size_t at = input->start;
    while (at < input->end && strchr(" \t\r\n", input->data[at]) != NULL) {
        at++;
    }
    return at < input->end && input->data[at] == '{' ? MR_LOAD_JSON : MR_LOAD_CSV;
}

MrLoadInput *mr_load_input_open(const char *path, MrLoadFormat format, char quote,
                                const char **wrong)
{
    struct stat info = { 0 };
    bool is_input = strcmp(path, "-") == 0;
    gzFile file = is_input ? gzdopen(dup(STDIN_FILENO), "rb") : gzopen(path, "rb");
    if (file == NULL) {
        *wrong = strerror(errno);
        return NULL;
    }
    MrLoadInput *input = mr_allocate(sizeof(*input));
    gzbuffer(file, BLOCK_BYTES / 4);
    input->file = file;
    input->quote = quote != '\0' ? quote : '"';
    input->next_line = 1;
    if ((is_input ? fstat(STDIN_FILENO, &info) : stat(path, &info)) == 0 && S_ISREG(info.st_mode)) {
        input->size = (uint64_t)info.st_size;
    }
    input->format = format != MR_LOAD_AUTO ? format : format_find(path, input);
    return input;
}

void mr_load_input_close(MrLoadInput *input)
{
    if (input != NULL) {
        gzclose(input->file);
        free(input->data);
        free(input);
    }
}

MrLoadFormat mr_load_input_format(const MrLoadInput *input)
{
    return input->format;
}

uint64_t mr_load_input_offset(MrLoadInput *input)
{
    z_off_t offset = gzoffset(input->file);
    return offset > 0 ? (uint64_t)offset : 0;
}

uint64_t mr_load_input_line(const MrLoadInput *input)
{
    return input->row_line;
}

uint64_t mr_load_input_size(const MrLoadInput *input)
{
    return input->size;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static size_t count_bytes(const char *text, size_t length, char byte)
{
    size_t count = 0;
    const char *end = text + length;
    while ((text = memchr(text, byte, (size_t)(end - text))) != NULL) {
        count++;
        text++;
    }
    return count;
}

/* Where the row at `start` ends, 0: not in what has been read.  `*seen` keeps the place up to which
 * it has been looked at, and `*open` whether quotes are open there. */
static size_t row_end(const MrLoadInput *input, size_t *seen, bool *open)
{
    const char *row = input->data + input->start;
    size_t length = input->end - input->start;
    while (*seen < length) {
        const char *newline = memchr(row + *seen, '\n', length - *seen);
        if (newline == NULL) {
            return 0; /* the piece of a line is looked at again, when it is whole */
        }
        size_t behind = (size_t)(newline - row) + 1;
        if (input->format == MR_LOAD_CSV) {
            *open ^= count_bytes(row + *seen, behind - *seen, input->quote) % 2 != 0;
        }
        *seen = behind;
        if (!*open) {
            return behind;
        }
    }
    return 0;
}

bool mr_load_input_row(MrLoadInput *input, const char **row, size_t *length, const char **wrong)
{
    size_t seen = 0;
    bool open = false;
    begin(input);
    for (;;) {
        size_t end = row_end(input, &seen, &open);
        if (end == 0 && fill(input)) {
            if (input->end - input->start > ROW_BYTES_MAX) {
                *wrong = "a row is longer than 64 MB (is a quote missing?)";
                return false;
            }
            continue;
        }
        if (end == 0) {
            end = input->end - input->start; /* the last row, without a line end */
        }
        if (end == 0 || (input->ended && input->wrong != NULL && seen < end)) {
            *wrong = input->wrong;
            return false;
        }
        *row = input->data + input->start;
        *length = end;
        input->start += end;
        input->row_line = input->next_line;
        input->next_line += count_bytes(*row, end, '\n');
        return true;
    }
}
