/*
 * clients/session.c - the connection: opening, losing, cancelling, and what the prompt tells of it.
 */
#include "clients/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "clients/screen.h"

volatile sig_atomic_t mr_interrupted;
static PGcancel *volatile armed_cancel;

void mr_session_set_defaults(void)
{
    /* libpq looks into the environment last, after options, conninfo and service file: a default
     * placed there is overridden by each of them. */
    if (getenv("PGHOSTADDR") == NULL) {
        setenv("PGHOST", "localhost", 0);
    }
    setenv("PGPORT", "7432", 0);
    setenv("PGDATABASE", "millrace", 0);
}

/* PQcancel may be called from a signal handler: it opens a socket of its own. */
static void handle_interrupt(int signal_number)
{
    int saved = errno;
    (void)signal_number;
    mr_interrupted = 1;
    PGcancel *cancel = armed_cancel;
    if (cancel != NULL) {
        char message[256];
        static const char sent[] = "Cancel request sent\n";
        if (PQcancel(cancel, message, sizeof(message))) {
            (void)!write(STDERR_FILENO, sent, sizeof(sent) - 1);
        } else {
            (void)!write(STDERR_FILENO, message, strlen(message));
        }
    }
    errno = saved;
}

void mr_session_catch_interrupts(void)
{
    /* No SA_RESTART: a read of the terminal must end, so that the prompt comes back. */
    struct sigaction action = { .sa_handler = handle_interrupt };
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

void mr_session_arm_cancel(PGconn *conn)
{
    mr_session_disarm_cancel();
    armed_cancel = PQgetCancel(conn);
}

void mr_session_disarm_cancel(void)
{
    PGcancel *old = armed_cancel;
    armed_cancel = NULL; /* first: the handler may run between the two lines */
    if (old != NULL) {
        PQfreeCancel(old);
    }
}

char *mr_session_read_hidden(const char *prompt)
{
    FILE *terminal = fopen("/dev/tty", "r+");
    FILE *in = terminal != NULL ? terminal : stdin;
    FILE *out = terminal != NULL ? terminal : stderr;
    struct termios shown;
    bool hidden = tcgetattr(fileno(in), &shown) == 0;
    fputs(prompt, out);
    fflush(out);
    if (hidden) {
        struct termios silent = shown;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(fileno(in), TCSAFLUSH, &silent);
    }
    char *line = NULL;
    size_t size = 0;
    ssize_t length = getline(&line, &size, in);
    if (hidden) {
        tcsetattr(fileno(in), TCSAFLUSH, &shown);
    }
    fputs("\n", out); /* the one that was typed is not seen */
    fflush(out);
    if (terminal != NULL) {
        fclose(terminal);
    }
    if (length < 0) {
        free(line);
        return NULL;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

static char *password_read(const char *user)
{
    char *prompt = user != NULL && *user != '\0' ? mr_text_format("Password for user %s: ", user)
                                                 : mr_text_copy("Password: ");
    char *line = mr_session_read_hidden(prompt);
    free(prompt);
    return line;
}

static PGconn *connect_once(const MrTarget *target, const char *password)
{
    const char *encoding = getenv("PGCLIENTENCODING");
    const char *names[] = { "host",
                            "port",
                            "user",
                            "password",
                            "dbname",
                            "fallback_application_name",
                            "client_encoding",
                            NULL };
    const char *values[] = { target->host,
                             target->port,
                             target->user,
                             password,
                             target->database,
                             "millrace",
                             encoding != NULL ? NULL : "UTF8",
                             NULL };
    return PQconnectdbParams(names, values, 1);
}

static void notice_print(void *context, const char *message)
{
    const MrShell *shell = context;
    if (shell->screen == NULL) { /* it would only be in the way of a picture */
        mr_shell_message(shell, MR_LEVEL_INFO, "%s", message);
    }
}

/* The variables that tell scripts where they are. */
static void variables_tell(MrShell *shell)
{
    PGconn *conn = shell->conn;
    const char *version = conn == NULL ? NULL : PQparameterStatus(conn, "server_version");
    mr_shell_set(shell, "DBNAME", conn == NULL ? NULL : PQdb(conn));
    mr_shell_set(shell, "USER", conn == NULL ? NULL : PQuser(conn));
    mr_shell_set(shell, "HOST", conn == NULL ? NULL : PQhost(conn));
    mr_shell_set(shell, "PORT", conn == NULL ? NULL : PQport(conn));
    mr_shell_set(shell, "SERVER_VERSION_NAME", version);
    char *number = conn == NULL ? NULL : mr_text_format("%d", PQserverVersion(conn));
    mr_shell_set(shell, "SERVER_VERSION_NUM", number);
    free(number);
    mr_shell_set(shell, "ENCODING",
                 conn == NULL ? NULL : PQparameterStatus(conn, "client_encoding"));
}

void mr_session_set_verbosity(MrShell *shell)
{
    const char *word = mr_variables_get(&shell->variables, "VERBOSITY");
    PGVerbosity verbosity = PQERRORS_DEFAULT;
    if (word != NULL && strcasecmp(word, "verbose") == 0) {
        verbosity = PQERRORS_VERBOSE;
    } else if (word != NULL && strcasecmp(word, "terse") == 0) {
        verbosity = PQERRORS_TERSE;
    } else if (word != NULL && strcasecmp(word, "sqlstate") == 0) {
        verbosity = PQERRORS_SQLSTATE;
    }
    const char *context = mr_variables_get(&shell->variables, "SHOW_CONTEXT");
    PGContextVisibility visibility = PQSHOW_CONTEXT_ERRORS;
    if (context != NULL && strcasecmp(context, "never") == 0) {
        visibility = PQSHOW_CONTEXT_NEVER;
    } else if (context != NULL && strcasecmp(context, "always") == 0) {
        visibility = PQSHOW_CONTEXT_ALWAYS;
    }
    if (shell->conn != NULL) {
        PQsetErrorVerbosity(shell->conn, verbosity);
        PQsetErrorContextVisibility(shell->conn, visibility);
    }
}

bool mr_session_connect(MrShell *shell, const MrTarget *target)
{
    const char *user = target->user != NULL ? target->user : shell->user_option;
    char *password = shell->password_option > 0 ? password_read(user) : NULL;
    PGconn *conn = connect_once(target, password);
    if (PQstatus(conn) == CONNECTION_BAD && PQconnectionNeedsPassword(conn) && password == NULL &&
        shell->password_option >= 0) {
        password = password_read(PQuser(conn));
        if (password != NULL) {
            PQfinish(conn);
            conn = connect_once(target, password);
        }
    }
    free(password);
    if (PQstatus(conn) == CONNECTION_BAD) {
        bool script = shell->script != NULL && !mr_shell_is_interactive(shell);
        mr_shell_message(shell, MR_LEVEL_ERROR, script ? "\\connect: %s" : "%s",
                         PQerrorMessage(conn));
        PQfinish(conn);
        if (script) { /* the rest of the script is not meant for where it has been */
            exit(shell->script->file == NULL                              ? MR_EXIT_FAILURE
                 : mr_variables_is_on(&shell->variables, "ON_ERROR_STOP") ? MR_EXIT_SCRIPT
                                                                          : MR_EXIT_CONNECTION);
        }
        return false;
    }
    PQfinish(shell->conn);
    PQfinish(shell->lost_conn);
    shell->lost_conn = NULL;
    shell->conn = conn;
    PQsetNoticeProcessor(conn, notice_print, shell);
    mr_session_set_verbosity(shell);
    variables_tell(shell);
    return true;
}

bool mr_session_check(MrShell *shell)
{
    if (shell->conn != NULL && PQstatus(shell->conn) == CONNECTION_OK) {
        return true;
    }
    mr_session_disarm_cancel();
    if (!mr_shell_is_interactive(shell)) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "connection to server was lost");
        exit(MR_EXIT_CONNECTION);
    }
    if (shell->screen != NULL) {
        mr_screen_close(shell->screen);
    }
    fputs("The connection to the server was lost. Attempting reset: ", stderr);
    PQreset(shell->conn);
    if (PQstatus(shell->conn) == CONNECTION_OK) {
        fputs("Succeeded.\n", stderr);
        return true;
    }
    fputs("Failed.\n", stderr);
    PQfinish(shell->lost_conn);
    shell->lost_conn = shell->conn;
    shell->conn = NULL;
    variables_tell(shell);
    return false;
}

void mr_session_tell_ssl(const MrShell *shell)
{
    if (!PQsslInUse(shell->conn)) {
        return;
    }
    const char *protocol = PQsslAttribute(shell->conn, "protocol");
    const char *cipher = PQsslAttribute(shell->conn, "cipher");
    const char *bits = PQsslAttribute(shell->conn, "key_bits");
    const char *compression = PQsslAttribute(shell->conn, "compression");
    printf("SSL connection (protocol: %s, cipher: %s, bits: %s, compression: %s)\n",
           protocol != NULL ? protocol : "unknown", cipher != NULL ? cipher : "unknown",
           bits != NULL ? bits : "unknown",
           compression != NULL && strcmp(compression, "off") != 0 ? "on" : "off");
}
