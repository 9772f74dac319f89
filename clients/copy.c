/*
 * clients/copy.c - COPY data between the server and files, the script or the terminal.
 */
#include "clients/copy.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "clients/execute.h"
#include "clients/progress.h"
#include "clients/session.h"

enum { COPY_BLOCK_BYTES = 256 * 1024 };

typedef struct MrCopyFile {
    gzFile file; /* plain files pass through it as they are; NULL: `stream` */
    FILE *stream;
    bool is_program;      /* the stream is its end of a pipe: no line of it ends the data */
    uint64_t bytes_total; /* 0: unknown */
} MrCopyFile;

typedef struct CopyCommand { /* a parsed \copy */
    char *what;              /* the table with its columns, or the query in parentheses */
    bool from;
    char *path;          /* NULL: one of the four streams */
    bool program;        /* `path` is a command */
    bool program_stream; /* pstdin, pstdout: the program's own */
    char *options;
} CopyCommand;

static bool send_block(MrShell *shell, const char *bytes, size_t count)
{
    return count == 0 || PQputCopyData(shell->conn, bytes, (int)count) == 1;
}

static uint64_t count_lines(const char *bytes, size_t count)
{
    uint64_t lines = 0;
    const char *end = bytes + count;
    while ((bytes = memchr(bytes, '\n', (size_t)(end - bytes))) != NULL) {
        lines++;
        bytes++;
    }
    return lines;
}

/* What went wrong with the file, for the server and the user; NULL: nothing.  zlib tells of a
 * truncated archive only when asked. */
static const char *file_complaint(const MrCopyFile *copy, int count)
{
    int code = Z_OK;
    const char *text = gzerror(copy->file, &code);
    if (count >= 0 && (code == Z_OK || code == Z_STREAM_END)) {
        return NULL;
    }
    return code == Z_ERRNO ? strerror(errno) : code == Z_BUF_ERROR ? "file is truncated" : text;
}

/* Sends a whole file.  Returns what went wrong, NULL for nothing. */
static const char *send_file(MrShell *shell, const MrCopyFile *copy, bool binary)
{
    char *block = mr_allocate(COPY_BLOCK_BYTES);
    const char *complaint = NULL;
    uint64_t lines = 0;
    MrProgress progress;
    mr_progress_start(&progress, !mr_variables_is_on(&shell->variables, "QUIET"),
                      copy->bytes_total);
    for (;;) {
        int count = gzread(copy->file, block, COPY_BLOCK_BYTES);
        complaint = file_complaint(copy, count);
        if (complaint != NULL || count == 0) {
            break;
        }
        if (mr_interrupted) {
            complaint = "canceled by user";
            break;
        }
        if (!send_block(shell, block, (size_t)count)) {
            break; /* the result tells why */
        }
        if (progress.shown) {
            lines += binary ? 0 : count_lines(block, (size_t)count);
            mr_progress_update(&progress, (uint64_t)gzoffset(copy->file), lines);
        }
    }
    mr_progress_finish(&progress);
    free(block);
    return complaint;
}

static const char *send_whole_stream(MrShell *shell, FILE *stream)
{
    char *block = mr_allocate(COPY_BLOCK_BYTES);
    const char *complaint = NULL;
    size_t count;
    while ((count = fread(block, 1, COPY_BLOCK_BYTES, stream)) > 0) {
        if (mr_interrupted) {
            complaint = "canceled by user";
            break;
        }
        if (!send_block(shell, block, count)) {
            break;
        }
    }
    if (complaint == NULL && ferror(stream)) {
        complaint = "could not read the data";
    }
    free(block);
    return complaint;
}

static void show_copy_prompt(MrShell *shell, bool prompts)
{
    if (prompts) {
        shell->copy_line++;
        char *prompt = mr_session_prompt(shell, mr_variables_get(&shell->variables, "PROMPT3"),
                                         MR_PROMPT_COPY);
        fputs(prompt, stdout);
        fflush(stdout);
        free(prompt);
    }
}

/* Sends lines up to the one that is \. only.  Few large messages are far faster than many. */
static const char *send_lines(MrShell *shell, FILE *stream, bool prompts, bool counts)
{
    MrBuffer block;
    char *line = NULL;
    size_t size = 0;
    const char *complaint = NULL;
    bool sent = true;
    shell->copy_line = 0;
    mr_buffer_init(&block);
    for (;;) {
        show_copy_prompt(shell, prompts);
        ssize_t length = getline(&line, &size, stream);
        if (mr_interrupted) {
            clearerr(stream);
            complaint = "canceled by user";
            break;
        }
        if (length < 0) {
            if (prompts) {
                clearerr(stream); /* Ctrl-D ends the data, not the session */
                putchar('\n');
            }
            break;
        }
        if (counts) {
            shell->script->line_number++;
        }
        if (strcmp(line, "\\.\n") == 0 || strcmp(line, "\\.\r\n") == 0 ||
            strcmp(line, "\\.") == 0) {
            break;
        }
        mr_buffer_append_bytes(&block, line, (size_t)length);
        if (block.length >= COPY_BLOCK_BYTES) {
            /* After a failure the lines are still data, not SQL: they are read and dropped. */
            sent = sent && send_block(shell, block.data, block.length);
            mr_buffer_clear(&block);
        }
    }
    if (sent && complaint == NULL) {
        send_block(shell, block.data, block.length);
    }
    free(line);
    mr_buffer_fini(&block);
    return complaint;
}

static const char *send_stream(MrShell *shell, bool binary)
{
    FILE *stream = stdin;
    bool counts = false;
    if (shell->copy != NULL) {
        stream = shell->copy->stream;
    } else if (shell->script != NULL && shell->script->file != NULL) {
        stream = shell->script->file;
    }
    counts = shell->script != NULL && shell->script->file == stream;
    if (binary || (shell->copy != NULL && shell->copy->is_program)) {
        return send_whole_stream(shell, stream);
    }
    bool prompts = stream == stdin && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    if (prompts && !mr_variables_is_on(&shell->variables, "QUIET")) {
        puts("Enter data to be copied followed by a newline.\n"
             "End with a backslash and a period on a line by itself, or an EOF signal.");
    }
    return send_lines(shell, stream, prompts, counts);
}

bool mr_copy_in(MrShell *shell, bool binary)
{
    const char *complaint = shell->copy != NULL && shell->copy->file != NULL
                                ? send_file(shell, shell->copy, binary)
                                : send_stream(shell, binary);
    if (PQputCopyEnd(shell->conn, complaint) != 1) {
        mr_shell_message(shell, MR_LEVEL_INFO, "%s", PQerrorMessage(shell->conn));
        return false;
    }
    return complaint == NULL;
}

/* Steps over one quoted text, identifier, parenthesis or word; returns what stands behind it. */
static const char *token_end(const char *text)
{
    if (*text == '\'' || *text == '"') {
        const char *end = strchr(text + 1, *text);
        return end == NULL ? text + strlen(text) : end + 1;
    }
    if (*text == '(') {
        int depth = 0;
        while (*text != '\0') {
            if (*text == '\'' || *text == '"') {
                text = token_end(text);
                continue;
            }
            depth += *text == '(' ? 1 : *text == ')' ? -1 : 0;
            text++;
            if (depth == 0) {
                break;
            }
        }
        return text;
    }
    while (*text != '\0' && !isspace((unsigned char)*text) && strchr("'\"(", *text) == NULL) {
        text++;
    }
    return text;
}

static const char *space_end(const char *text)
{
    while (isspace((unsigned char)*text)) {
        text++;
    }
    return text;
}

static bool word_is(const char *start, const char *end, const char *word)
{
    return (size_t)(end - start) == strlen(word) && strncasecmp(start, word, strlen(word)) == 0;
}

/* COPY … FROM STDIN, looking past quotes and parentheses. */
static bool takes_stdin(const char *sql)
{
    const char *end;
    bool copies = false;
    bool from = false;
    for (const char *here = space_end(sql); *here != '\0'; here = space_end(end)) {
        end = token_end(here);
        if (!copies && !word_is(here, end, "copy")) {
            return false;
        }
        copies = true;
        if (from && (word_is(here, end, "stdin") || word_is(here, end, "stdin;"))) {
            return true;
        }
        from = word_is(here, end, "from");
    }
    return false;
}

void mr_copy_skip(MrShell *shell, const char *sql)
{
    MrScript *script = shell->script;
    bool own = shell->copy == NULL || (script != NULL && shell->copy->stream == script->file);
    char *line = NULL;
    size_t size = 0;
    if (script == NULL || script->file == NULL || script->interactive || !own ||
        !takes_stdin(sql)) {
        return;
    }
    while (getline(&line, &size, script->file) >= 0) {
        script->line_number++;
        if (strcmp(line, "\\.\n") == 0 || strcmp(line, "\\.\r\n") == 0 ||
            strcmp(line, "\\.") == 0) {
            break;
        }
    }
    free(line);
}

static bool write_block(const MrCopyFile *copy, FILE *out, const char *bytes, int count)
{
    if (copy != NULL && copy->file != NULL) {
        return gzwrite(copy->file, bytes, (unsigned)count) == count;
    }
    return fwrite(bytes, 1, (size_t)count, out) == (size_t)count;
}

/* One message; before it waits for one, what has come is shown: a subscription may be quiet for
 * long. */
static int copy_data_get(PGconn *conn, char **bytes, FILE *out)
{
    int count = PQgetCopyData(conn, bytes, 1);
    if (count == 0 && out != NULL) {
        fflush(out);
    }
    return count == 0 ? PQgetCopyData(conn, bytes, 0) : count;
}

bool mr_copy_out(MrShell *shell, FILE *out, bool *to_output)
{
    char *bytes;
    int count;
    bool ok = true;
    const MrCopyFile *copy = shell->copy;
    if (copy != NULL && copy->file == NULL) {
        out = copy->stream;
    }
    *to_output = copy == NULL || copy->stream == shell->out;
    while ((count = copy_data_get(shell->conn, &bytes, out)) > 0) {
        /* After a failed write the rest is still read: else the connection could not go on. */
        if (ok && !write_block(copy, out, bytes, count)) {
            mr_shell_message(shell, MR_LEVEL_ERROR, "could not write COPY data: %s",
                             strerror(errno));
            ok = false;
        }
        PQfreemem(bytes);
    }
    if (ok && (copy == NULL || copy->file == NULL) && fflush(out) != 0) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "could not write COPY data: %s", strerror(errno));
        ok = false;
    }
    return ok; /* what count == -2 means stands in the result that follows */
}

/* Takes the quotes off a file name. */
static char *file_name_read(const char *start, const char *end)
{
    MrBuffer name;
    mr_buffer_init(&name);
    if (*start != '\'') {
        mr_buffer_append_bytes(&name, start, (size_t)(end - start));
    } else {
        for (start++; start < end - 1; start++) {
            mr_buffer_append_char(&name, *start);
            start += start[0] == '\'' && start[1] == '\'';
        }
    }
    return name.data;
}

static const char *file_name_end(const char *text)
{
    if (*text != '\'') {
        while (*text != '\0' && *text != ';' && !isspace((unsigned char)*text)) {
            text++;
        }
        return text;
    }
    const char *end = token_end(text);
    while (*end == '\'') {
        end = token_end(end); /* '' is a quote within the name */
    }
    return end;
}

/* Reads the arguments.  Returns the place of an error, NULL for none. */
static const char *command_parse(const char *text, CopyCommand *command)
{
    const char *start = space_end(text);
    const char *here = start;
    const char *end = here;
    while (*here != '\0') {
        end = token_end(here);
        if (word_is(here, end, "from") || word_is(here, end, "to")) {
            break;
        }
        here = space_end(end);
    }
    if (*here == '\0' || here == start) {
        return here;
    }
    command->what = mr_text_copy_bytes(start, (size_t)(here - start));
    command->from = word_is(here, end, "from");
    here = space_end(end);
    end = file_name_end(here);
    if (word_is(here, end, "program")) {
        command->program = true;
        here = space_end(end);
        end = file_name_end(here);
        if (*here != '\'') {
            return here;
        }
    }
    if (here == end) {
        return here;
    }
    if (!command->program && word_is(here, end, command->from ? "pstdin" : "pstdout")) {
        command->program_stream = true;
    } else if (command->program || !word_is(here, end, command->from ? "stdin" : "stdout")) {
        char *name = file_name_read(here, end);
        command->path = command->program ? mr_text_copy(name) : mr_shell_expand_path(name);
        free(name);
    }
    command->options = mr_text_copy(space_end(end));
    size_t length = strlen(command->options);
    while (length > 0 && (command->options[length - 1] == ';' ||
                          isspace((unsigned char)command->options[length - 1]))) {
        command->options[--length] = '\0';
    }
    return NULL;
}

static bool file_open(MrShell *shell, const CopyCommand *command, MrCopyFile *copy)
{
    struct stat info = { 0 };
    const char *path = command->path;
    size_t length = strlen(path);
    bool packs = length > 3 && strcmp(path + length - 3, ".gz") == 0;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "%s: cannot copy from/to a directory", path);
        return false;
    }
    copy->file = gzopen(path, command->from ? "rb" : packs ? "wb" : "wbT");
    if (copy->file == NULL) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "%s: %s", path, strerror(errno));
        return false;
    }
    gzbuffer(copy->file, COPY_BLOCK_BYTES);
    if (command->from && S_ISREG(info.st_mode)) {
        copy->bytes_total = (uint64_t)info.st_size;
    }
    return true;
}

static bool command_run(MrShell *shell, const CopyCommand *command)
{
    MrCopyFile copy = { 0 };
    if (command->program) {
        fflush(NULL);
        copy.stream = popen(command->path, command->from ? "r" : "w");
        copy.is_program = true;
        if (copy.stream == NULL) {
            mr_shell_message(shell, MR_LEVEL_ERROR, "could not execute command \"%s\": %s",
                             command->path, strerror(errno));
            return false;
        }
    } else if (command->path != NULL) {
        if (!file_open(shell, command, &copy)) {
            return false;
        }
    } else if (!command->from) {
        copy.stream = command->program_stream ? stdout : shell->out;
    } else {
        copy.stream =
            command->program_stream || shell->script == NULL || shell->script->file == NULL
                ? stdin
                : shell->script->file;
    }
    char *sql = mr_text_format("COPY %s %s %s", command->what,
                               command->from ? "FROM STDIN" : "TO STDOUT", command->options);
    shell->copy = &copy;
    bool ok = mr_execute(shell, sql);
    shell->copy = NULL;
    free(sql);
    if (copy.is_program) {
        int status = pclose(copy.stream);
        if (status != 0) {
            mr_shell_message(shell, MR_LEVEL_ERROR, "%s: child process exited with exit code %d",
                             command->path, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
            ok = false;
        }
    }
    if (copy.file != NULL && gzclose(copy.file) != Z_OK && !command->from) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "%s: %s", command->path, strerror(errno));
        ok = false;
    }
    return ok;
}

bool mr_copy_command(MrShell *shell, const char *arguments)
{
    CopyCommand command = { 0 };
    bool ok = false;
    const char *wrong = command_parse(arguments, &command);
    if (wrong == NULL) {
        ok = command_run(shell, &command);
    } else if (*space_end(arguments) == '\0') {
        mr_shell_message(shell, MR_LEVEL_ERROR, "\\copy: arguments required");
    } else if (*wrong == '\0') {
        mr_shell_message(shell, MR_LEVEL_ERROR, "\\copy: parse error at end of line");
    } else {
        char *word = mr_text_copy_bytes(wrong, (size_t)(token_end(wrong) - wrong));
        mr_shell_message(shell, MR_LEVEL_ERROR, "\\copy: parse error at \"%s\"", word);
        free(word);
    }
    free(command.what);
    free(command.path);
    free(command.options);
    return ok;
}
