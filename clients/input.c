/*
 * clients/input.c - lines typed at the terminal: editing, history, completion.
 */
#include "clients/input.h"

#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/completion.h"
#include "clients/highlight.h"
#include "clients/screen.h"
#include "clients/session.h"
#include "clients/show.h"

enum { HISTORY_SIZE_MAX = 1000000, CTRL_D = 4 };

struct MrInput {
    MrShell *shell;
    EditLine *editor; /* NULL: plain lines (-n) */
    History *history;
    char *history_path; /* NULL: not kept */
    const char *prompt; /* of the line being read */
    bool colours;       /* the terminal takes them, and the variable HIGHLIGHT is on */
};

static volatile sig_atomic_t screen_changed;

static void handle_resize(int signal_number)
{
    (void)signal_number;
    screen_changed = 1;
}

static char *input_prompt(EditLine *editor)
{
    MrInput *input = NULL;
    el_get(editor, EL_CLIENTDATA, &input);
    return (char *)input->prompt;
}

/* The line in colours, over what the editor has just drawn; not while more is being typed. */
static void line_colour(MrInput *input)
{
    struct pollfd pending = { .fd = STDIN_FILENO, .events = POLLIN };
    MrHighlight what = { 0 };
    MrBuffer out;
    if (!input->colours || poll(&pending, 1, 0) != 0) {
        return;
    }
    const LineInfo *info = el_line(input->editor);
    what.line = info->buffer;
    what.length = (size_t)(info->lastchar - info->buffer);
    what.cursor = (size_t)(info->cursor - info->buffer);
    what.prompt_width = mr_session_prompt_width(input->prompt);
    what.columns = mr_show_screen(&what.rows);
    mr_buffer_init(&out);
    mr_highlight_draw(input->shell, &what, &out);
    fwrite(out.data, 1, out.length, stdout);
    fflush(stdout);
    mr_buffer_fini(&out);
}

static bool line_is_empty(EditLine *editor)
{
    const LineInfo *line = el_line(editor);
    return line->buffer == line->lastchar;
}

/* Reads one character.  libedit's own reader repeats a read that a signal broke off; ours ends
 * the line, which is what Ctrl-C means. */
static int input_character(EditLine *editor, wchar_t *out)
{
    mbstate_t state;
    char byte;
    MrInput *input = NULL;
    el_get(editor, EL_CLIENTDATA, &input);
    memset(&state, 0, sizeof(state));
    line_colour(input);
    for (;;) {
        if (mr_interrupted) {
            return -1;
        }
        ssize_t count = read(STDIN_FILENO, &byte, 1);
        if (count == 0) {
            return 0;
        }
        if (count < 0) {
            if (errno == EINTR && screen_changed && !mr_interrupted) {
                screen_changed = 0;
                el_resize(editor);
                fputs("\r\033[J",
                      stdout); /* it draws prompt and line anew, from the first column */
                fflush(stdout);
                el_set(editor, EL_REFRESH);
                continue;
            }
            return -1;
        }
        if (byte == '\0' && line_is_empty(editor)) {
            /* What Ctrl-D becomes that was typed while the terminal still had lines of its own. */
            byte = CTRL_D;
        }
        size_t used = mbrtowc(out, &byte, 1, &state);
        if (used == (size_t)-1) {
            *out = L'?';
            return 1;
        }
        if (used != (size_t)-2) {
            return 1;
        }
    }
}

static size_t common_length(char *const *matches, int count)
{
    size_t length = strlen(matches[0]);
    for (int i = 1; i < count; i++) {
        size_t same = 0;
        while (same < length && matches[i][same] == matches[0][same]) {
            same++;
        }
        length = same;
    }
    while (length > 0 && (matches[0][length] & 0xc0) == 0x80) {
        length--; /* not within a character */
    }
    return length;
}

static void list_matches(char *const *matches, int count)
{
    size_t widest = 0;
    for (int i = 0; i < count; i++) {
        size_t length = strlen(matches[i]);
        widest = length > widest ? length : widest;
    }
    int per_line = (int)(78 / (widest + 2));
    per_line = per_line < 1 ? 1 : per_line;
    putchar('\n');
    for (int i = 0; i < count; i++) {
        bool last = (i + 1) % per_line == 0 || i + 1 == count;
        printf("%-*s%s", last ? 0 : (int)widest + 2, matches[i], last ? "\n" : "");
    }
}

static unsigned char input_complete(EditLine *editor, int key)
{
    MrInput *input = NULL;
    MrCompletion found;
    (void)key;
    el_get(editor, EL_CLIENTDATA, &input);
    const LineInfo *info = el_line(editor);
    char *before = mr_text_copy_bytes(info->buffer, (size_t)(info->cursor - info->buffer));
    mr_completion_find(input->shell, before, &found);
    size_t typed = strlen(before) - found.word_start;
    free(before);
    unsigned char answer = CC_REFRESH_BEEP;
    if (found.count > 0) {
        size_t common = common_length(found.matches, found.count);
        bool same = typed <= common;
        char *insert = mr_text_format("%.*s%s", (int)common, found.matches[0],
                                      found.count == 1 && found.spaced ? " " : "");
        if (same && (found.count == 1 || common > typed)) {
            el_deletestr(editor, (int)found.word_characters);
            el_insertstr(editor, insert);
            answer = CC_REFRESH;
        } else if (found.count > 1) {
            list_matches(found.matches, found.count);
            fflush(stdout);
            answer = CC_REDISPLAY;
        }
        free(insert);
    }
    mr_completion_free(&found);
    return answer;
}

static char *history_path(const MrShell *shell)
{
    const char *path = getenv("MILLRACE_HISTORY");
    if (path == NULL || *path == '\0') {
        path = mr_variables_get(&shell->variables, "HISTFILE");
    }
    if (path != NULL && *path != '\0') {
        return mr_shell_expand_path(path);
    }
    const char *home = getenv("HOME");
    const char *database = mr_variables_get(&shell->variables, "DBNAME");
    if (home == NULL || *home == '\0') {
        return NULL;
    }
    path = mr_text_format("%s/.millrace_history-%s", home, database != NULL ? database : "");
    char *plain = mr_text_copy(path);
    for (char *c = plain + strlen(home) + 1; *c != '\0'; c++) {
        *c = *c == '/' ? '_' : *c; /* the database's name is no path */
    }
    free((char *)path);
    return plain;
}

static void history_set_size(MrInput *input)
{
    HistEvent event;
    long size = mr_variables_number(&input->shell->variables, "HISTSIZE", 500);
    int most = size < 0 || size > HISTORY_SIZE_MAX ? HISTORY_SIZE_MAX : (int)size;
    history(input->history, &event, H_SETSIZE, most);
}

static void history_save(MrInput *input)
{
    HistEvent event;
    if (input->history_path != NULL) {
        mode_t before = umask(077); /* statements may hold passwords */
        history(input->history, &event, H_SAVE, input->history_path);
        umask(before);
    }
}

static void history_load(MrInput *input)
{
    HistEvent event;
    if (input->history_path != NULL) {
        history(input->history, &event, H_LOAD, input->history_path);
    }
}

static void history_open(MrInput *input)
{
    input->history = history_init();
    if (input->history == NULL) {
        return;
    }
    history_set_size(input);
    input->history_path = history_path(input->shell);
    history_load(input);
    el_set(input->editor, EL_HIST, history, input->history);
}

/* The variables or the database may have changed. */
void mr_input_configure(MrInput *input)
{
    HistEvent event;
    if (input == NULL || input->history == NULL) {
        return;
    }
    input->colours =
        mr_screen_has_colours() && mr_variables_is_on(&input->shell->variables, "HIGHLIGHT");
    if (input->colours) {
        mr_completion_prepare(input->shell);
    }
    history_set_size(input);
    char *path = history_path(input->shell);
    bool same = path == NULL
                    ? input->history_path == NULL
                    : input->history_path != NULL && strcmp(path, input->history_path) == 0;
    if (same) {
        free(path);
        return;
    }
    history_save(input);
    history(input->history, &event, H_CLEAR);
    free(input->history_path);
    input->history_path = path;
    history_load(input);
}

bool mr_input_history(MrInput *input, FILE *out)
{
    HistEvent event;
    if (input == NULL || input->history == NULL) {
        return false;
    }
    for (int found = history(input->history, &event, H_LAST); found >= 0;
         found = history(input->history, &event, H_PREV)) {
        fputs(event.str, out);
        size_t length = strlen(event.str);
        fputs(length > 0 && event.str[length - 1] == '\n' ? "" : "\n", out);
    }
    return true;
}

MrInput *mr_input_create(MrShell *shell)
{
    MrInput *input = mr_allocate(sizeof(*input));
    input->shell = shell;
    if (!shell->edit_lines || !isatty(STDIN_FILENO) ||
        (input->editor = el_init("millrace", stdin, stdout, stderr)) == NULL) {
        return input;
    }
    struct sigaction action = { .sa_handler = handle_resize };
    sigemptyset(&action.sa_mask);
    sigaction(SIGWINCH, &action, NULL);
    el_set(input->editor, EL_CLIENTDATA, input);
    el_set(input->editor, EL_PROMPT_ESC, input_prompt, MR_PROMPT_ESCAPE);
    el_set(input->editor, EL_EDITOR, "emacs");
    el_set(input->editor, EL_SIGNAL, 0);
    el_set(input->editor, EL_GETCFN, input_character);
    /* The wide form keeps the names, the narrow one would copy and never free them. */
    el_wset(input->editor, EL_ADDFN, L"millrace-complete", L"Completes the word.", input_complete);
    el_set(input->editor, EL_BIND, "^I", "millrace-complete", NULL);
    el_set(input->editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_source(input->editor, NULL); /* the user's own keys: ~/.editrc */
    history_open(input);
    mr_input_configure(input);
    return input;
}

void mr_input_destroy(MrInput *input)
{
    if (input == NULL) {
        return;
    }
    if (input->history != NULL) {
        history_save(input);
        history_end(input->history);
    }
    if (input->editor != NULL) {
        el_end(input->editor);
    }
    free(input->history_path);
    free(input);
}

static char *read_plain(const char *prompt)
{
    char *line = NULL;
    size_t size = 0;
    for (; *prompt != '\0'; prompt++) {
        if (*prompt != MR_PROMPT_ESCAPE) {
            putchar(*prompt);
        }
    }
    fflush(stdout);
    if (getline(&line, &size, stdin) < 0) {
        free(line);
        return NULL;
    }
    return line;
}

char *mr_input_read(MrInput *input, const char *prompt)
{
    char *line = NULL;
    mr_interrupted = 0;
    if (input->editor == NULL) {
        line = read_plain(prompt);
    } else {
        int count = 0;
        input->prompt = prompt;
        fflush(stdout);
        line = mr_text_copy(el_gets(input->editor, &count));
    }
    if (mr_interrupted) {
        putchar('\n');
        fflush(stdout);
    }
    if (line != NULL) {
        size_t length = strlen(line);
        while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r')) {
            line[--length] = '\0';
        }
    }
    return line;
}

void mr_input_remember(MrInput *input, const char *statement, bool begins_blank)
{
    HistEvent event;
    if (input == NULL || input->history == NULL || statement[strspn(statement, " \t\n")] == '\0') {
        return;
    }
    const char *control = mr_variables_get(&input->shell->variables, "HISTCONTROL");
    bool both = control != NULL && strcasecmp(control, "ignoreboth") == 0;
    bool no_twins = both || (control != NULL && strcasecmp(control, "ignoredups") == 0);
    bool no_space = both || (control != NULL && strcasecmp(control, "ignorespace") == 0);
    if (no_space && begins_blank) {
        return;
    }
    history(input->history, &event, H_SETUNIQUE, no_twins ? 1 : 0);
    history(input->history, &event, H_ENTER, statement);
}
