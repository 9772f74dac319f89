/*
 * clients/prompt.c - the text of a prompt variable, with its % escapes replaced.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/cell.h"
#include "clients/session.h"

static char transaction_mark(const MrShell *shell)
{
    switch (PQtransactionStatus(shell->conn)) { /* NULL counts as unknown */
    case PQTRANS_IDLE: return '\0';
    case PQTRANS_ACTIVE:
    case PQTRANS_INTRANS: return '*';
    case PQTRANS_INERROR: return '!';
    default: return '?';
    }
}

/* %`command`: the first line that it writes. */
static void prompt_command(const char *text, size_t length, MrBuffer *out)
{
    char line[512] = "";
    char *command = mr_text_copy_bytes(text, length);
    FILE *pipe = popen(command, "r");
    if (pipe != NULL) {
        if (fgets(line, sizeof(line), pipe) == NULL) {
            line[0] = '\0';
        }
        pclose(pipe);
    }
    line[strcspn(line, "\n")] = '\0';
    mr_buffer_append(out, line);
    free(command);
}

int mr_session_prompt_width(const char *text)
{
    MrBuffer shown;
    bool hidden = false;
    int width;
    int lines;
    mr_buffer_init(&shown);
    for (; *text != '\0'; text++) {
        if (*text == MR_PROMPT_ESCAPE) {
            hidden = !hidden;
        } else if (*text == '\n') {
            mr_buffer_clear(&shown);
        } else if (!hidden) {
            mr_buffer_append_char(&shown, *text);
        }
    }
    mr_cell_measure(shown.data, &width, &lines);
    mr_buffer_fini(&shown);
    return width;
}

/* Where the shell goes when nobody names a database. */
static bool is_own_database(const PGconn *conn)
{
    const char *given = getenv("PGDATABASE");
    return strcmp(PQdb(conn), "millrace") == 0 || strcmp(PQdb(conn), PQuser(conn)) == 0 ||
           (given != NULL && strcmp(PQdb(conn), given) == 0);
}

/* A host, cut at its first dot unless it is to be `whole`; a socket's directory where it is not
 * libpq's own. */
static void prompt_host(const char *host, bool whole, MrBuffer *out)
{
    if (host != NULL && host[0] != '\0' && host[0] != '/' && host[0] != '@') {
        mr_buffer_append_bytes(out, host, whole ? strlen(host) : strcspn(host, "."));
    } else if (!whole || host == NULL || strcmp(host, "/var/run/postgresql") == 0) {
        mr_buffer_append(out, "[local]");
    } else {
        mr_buffer_append_format(out, "[local:%s]", host);
    }
}

/* Of the statement: the first is 1. */
static unsigned long line_of(const MrShell *shell)
{
    const MrBuffer *statement = shell->script == NULL ? NULL : &shell->script->statement;
    unsigned long lines = 1;
    if (statement == NULL || statement->length == 0) {
        return lines;
    }
    for (size_t i = 0; i < statement->length; i++) {
        lines += statement->data[i] == '\n';
    }
    return lines + 1;
}

/* One escape; returns how many characters of the format it takes beyond the percent sign. */
static size_t prompt_escape(const MrShell *shell, const char *format, char state, MrBuffer *out)
{
    const char *value = NULL;
    char c = '\0';
    PGconn *conn = shell->conn;
    switch (*format) {
    case '/': value = conn == NULL ? NULL : PQdb(conn); break;
    case '~': value = conn == NULL ? NULL : is_own_database(conn) ? "~" : PQdb(conn); break;
    case 'n': value = conn == NULL ? NULL : PQuser(conn); break;
    case 'm':
    case 'M':
        if (conn != NULL) {
            prompt_host(PQhost(conn), *format == 'M', out);
        }
        break;
    case '>': value = conn == NULL ? NULL : PQport(conn); break;
    case 'p': mr_buffer_append_format(out, "%d", conn == NULL ? 0 : PQbackendPID(conn)); break;
    case 'l':
        mr_buffer_append_format(out, "%lu",
                                state == MR_PROMPT_COPY ? shell->copy_line : line_of(shell));
        break;
    case 'R':
        c = state == '=' && conn == NULL ? '!' : state == MR_PROMPT_COPY ? '\0' : state;
        if (c == '=' && mr_variables_is_on(&shell->variables, "SINGLELINE")) {
            c = '^';
        }
        break;
    case 'x': c = transaction_mark(shell); break;
    case '#':
        value = conn == NULL ? NULL : PQparameterStatus(conn, "is_superuser");
        c = value != NULL && strcmp(value, "on") == 0 ? '#' : '>';
        value = NULL;
        break;
    case '%': c = '%'; break;
    case 'w': mr_buffer_append_format(out, "%*s", shell->prompt_width, ""); break;
    case '[':
    case ']': c = MR_PROMPT_ESCAPE; break; /* the editor counts nothing between two of them */
    case '`': {
        size_t length = strcspn(format + 1, "`");
        prompt_command(format + 1, length, out);
        return format[length + 1] == '`' ? length + 2 : length + 1;
    }
    case ':': {
        size_t length = strcspn(format + 1, ":");
        char *name = mr_text_copy_bytes(format + 1, length);
        value = mr_variables_get(&shell->variables, name);
        mr_buffer_append(out, value == NULL ? "" : value);
        free(name);
        return format[length + 1] == ':' ? length + 2 : length + 1;
    }
    case '\0': return 0;
    default:
        if (*format >= '0' && *format <= '7') { /* a character by its number */
            char *end;
            char digits[4] = { 0 };
            memcpy(digits, format, strnlen(format, 3));
            mr_buffer_append_char(out, (char)strtol(digits, &end, 8));
            return (size_t)(end - digits);
        }
    }
    if (c != '\0') {
        mr_buffer_append_char(out, c);
    }
    mr_buffer_append(out, value == NULL ? "" : value);
    return 1;
}

char *mr_session_prompt(MrShell *shell, const char *format, char state)
{
    MrBuffer out;
    mr_buffer_init(&out);
    for (; *format != '\0'; format++) {
        if (*format == '%') {
            format += prompt_escape(shell, format + 1, state, &out);
        } else {
            mr_buffer_append_char(&out, *format);
        }
    }
    if (state == '=' || state == '@') {
        /* What %w of the second prompt repeats. */
        shell->prompt_width = mr_session_prompt_width(out.data);
    }
    return out.data;
}
