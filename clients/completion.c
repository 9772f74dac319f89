/*
 * clients/completion.c - what the word before the cursor could become.
 */
#include "clients/completion.h"

#include <ctype.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clients/commands.h"

typedef struct WordList {
    char **words;
    int count;
    int capacity;
} WordList;

typedef struct Relation { /* whose columns have been asked for */
    char *name;
    WordList columns;
    struct Relation *next;
} Relation;

enum { NAMES_FRESH_SECONDS = 3, RELATIONS_MAX = 8 };

static WordList keywords, functions, settings; /* asked for once a connection */
static WordList names, connections;            /* again when older than a few seconds */
static Relation *relations;                    /* forgotten with the names */
static bool keywords_asked;
static time_t names_asked;

static void list_add(WordList *list, const char *word)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        list->words = mr_reallocate(list->words, (size_t)list->capacity * sizeof(char *));
    }
    list->words[list->count++] = mr_text_copy(word);
}

static void list_clear(WordList *list)
{
    while (list->count > 0) {
        free(list->words[--list->count]);
    }
    free(list->words);
    *list = (WordList){ 0 };
}

static void relations_forget(void)
{
    while (relations != NULL) {
        Relation *relation = relations;
        relations = relation->next;
        list_clear(&relation->columns);
        free(relation->name);
        free(relation);
    }
}

void mr_completion_forget(void)
{
    list_clear(&keywords);
    list_clear(&functions);
    list_clear(&settings);
    list_clear(&names);
    list_clear(&connections);
    relations_forget();
    keywords_asked = false;
    names_asked = 0;
}

static void notice_drop(void *context, const char *message)
{
    (void)context;
    (void)message;
}

/* Adds the first column of the answer; an error adds nothing. */
static void list_ask(MrShell *shell, WordList *list, const char *sql)
{
    PGresult *result = PQexec(shell->conn, sql);
    if (PQresultStatus(result) == PGRES_TUPLES_OK && PQnfields(result) > 0) {
        for (int row = 0; row < PQntuples(result); row++) {
            list_add(list, PQgetvalue(result, row, 0));
        }
    }
    PQclear(result);
}

/* Only between transactions: a failing question would spoil the user's transaction. */
static void lists_refresh(MrShell *shell)
{
    if (PQtransactionStatus(shell->conn) != PQTRANS_IDLE) {
        return;
    }
    PQnoticeProcessor shown = PQsetNoticeProcessor(shell->conn, notice_drop, NULL);
    if (!keywords_asked) {
        keywords_asked = true;
        list_ask(shell, &keywords, "SELECT word FROM millrace.keywords");
        list_ask(shell, &functions, "SELECT DISTINCT name FROM millrace.functions");
        list_ask(shell, &settings, "SELECT name FROM millrace.settings");
    }
    time_t now = time(NULL);
    if (now - names_asked >= NAMES_FRESH_SECONDS) {
        names_asked = now;
        list_clear(&names);
        list_clear(&connections);
        relations_forget();
        list_ask(shell, &names,
                 "SELECT name FROM millrace.streams UNION ALL SELECT name FROM millrace.tables "
                 "UNION ALL SELECT name FROM millrace.views UNION ALL SELECT name FROM "
                 "millrace.queries UNION ALL SELECT name FROM millrace.sinks");
        list_ask(shell, &connections, "SELECT name FROM millrace.connections");
    }
    PQsetNoticeProcessor(shell->conn, shown, shell);
}

static void found_add(MrCompletion *found, char *match)
{
    for (int i = 0; i < found->count; i++) {
        if (strcmp(found->matches[i], match) == 0) {
            free(match);
            return;
        }
    }
    if (found->count == found->capacity) {
        found->capacity = found->capacity == 0 ? 16 : found->capacity * 2;
        found->matches = mr_reallocate(found->matches, (size_t)found->capacity * sizeof(char *));
    }
    found->matches[found->count++] = match;
}

static void find_in_list(const WordList *list, const char *word, MrCompletion *found)
{
    size_t length = strlen(word);
    for (int i = 0; i < list->count; i++) {
        if (strncmp(list->words[i], word, length) == 0) {
            found_add(found, mr_text_copy(list->words[i]));
        }
    }
}

/* The columns of a relation; asked for when it is first met. */
static const WordList *columns_of(MrShell *shell, const char *name)
{
    int count = 0;
    for (Relation *each = relations; each != NULL; each = each->next, count++) {
        if (strcmp(each->name, name) == 0) {
            return &each->columns;
        }
    }
    if (count >= RELATIONS_MAX || PQtransactionStatus(shell->conn) != PQTRANS_IDLE) {
        return NULL;
    }
    Relation *relation = mr_allocate(sizeof(*relation));
    char *quoted = mr_shell_quote(name, '"');
    char *sql = mr_text_format("DESCRIBE %s", quoted);
    relation->name = mr_text_copy(name);
    relation->next = relations;
    relations = relation;
    list_ask(shell, &relation->columns, sql);
    free(sql);
    free(quoted);
    return &relation->columns;
}

/* Columns of the relations that the statement names, before or behind the cursor. */
static void find_columns(MrShell *shell, const char *text, const char *word, MrCompletion *found)
{
    static const char separators[] = " \t\n,;().=<>+-*/";
    const char *dot = strrchr(word, '.'); /* alias.column: all but the column stays */
    const char *start = dot == NULL ? word : dot + 1;
    while (*text != '\0') {
        size_t length = strcspn(text, separators);
        char *name = mr_text_copy_bytes(text, length);
        for (int i = 0; i < names.count; i++) {
            const WordList *columns =
                strcmp(names.words[i], name) == 0 ? columns_of(shell, name) : NULL;
            for (int c = 0; columns != NULL && c < columns->count; c++) {
                if (strncmp(columns->words[c], start, strlen(start)) == 0) {
                    found_add(found, mr_text_format("%.*s%s", (int)(start - word), word,
                                                    columns->words[c]));
                }
            }
        }
        free(name);
        text += length + strspn(text + length, separators);
    }
}

/* A function is completed up to its parenthesis. */
static void find_functions(const char *word, MrCompletion *found)
{
    for (int i = 0; *word != '\0' && i < functions.count; i++) {
        if (strncmp(functions.words[i], word, strlen(word)) == 0 &&
            isalpha((unsigned char)functions.words[i][0])) {
            found_add(found, mr_text_format("%s(", functions.words[i]));
            found->spaced = false;
        }
    }
}

/* SQL words come in the case that COMP_KEYWORD_CASE asks for: the user's, where he has begun. */
static void find_keywords(const MrShell *shell, const char *word, MrCompletion *found)
{
    const char *rule = mr_variables_get(&shell->variables, "COMP_KEYWORD_CASE");
    size_t length = strlen(word);
    bool preserve = rule == NULL || strncasecmp(rule, "preserve", 8) == 0;
    bool lower =
        preserve ? length > 0 && islower((unsigned char)word[0]) : strcasecmp(rule, "lower") == 0;
    for (int i = 0; length > 0 && i < keywords.count; i++) {
        if (strncasecmp(keywords.words[i], word, length) == 0) {
            char *match = mr_text_copy(keywords.words[i]);
            for (char *c = match; *c != '\0'; c++) {
                *c = (char)(lower ? tolower((unsigned char)*c) : toupper((unsigned char)*c));
            }
            if (preserve) {
                memcpy(match, word, length);
            }
            found_add(found, match);
        }
    }
}

static void find_variables(const MrShell *shell, const char *prefix, const char *word,
                           MrCompletion *found)
{
    for (const MrVariable *each = shell->variables.first; each != NULL; each = each->next) {
        if (strncmp(each->name, word, strlen(word)) == 0) {
            found_add(found, mr_text_format("%s%s", prefix, each->name));
        }
    }
}

static void find_files(const char *word, MrCompletion *found)
{
    const char *quote = word[0] == '\'' ? "'" : "";
    char *path = mr_shell_expand_path(word + strlen(quote));
    char *pattern = mr_text_format("%s*", path);
    glob_t files;
    if (glob(pattern, GLOB_MARK, NULL, &files) == 0) {
        for (size_t i = 0; i < files.gl_pathc; i++) {
            const char *file = files.gl_pathv[i];
            bool directory = file[strlen(file) - 1] == '/';
            found_add(found, mr_text_format("%s%s%s", quote, file, directory ? "" : quote));
            found->spaced = found->spaced && !directory;
        }
    }
    globfree(&files);
    free(pattern);
    free(path);
}

static bool text_ends_with_word(const char *text, size_t length, const char *word)
{
    while (length > 0 && isspace((unsigned char)text[length - 1])) {
        length--;
    }
    size_t size = strlen(word);
    return length >= size && strncasecmp(text + length - size, word, size) == 0 &&
           (length == size || !isalnum((unsigned char)text[length - size - 1]));
}

/* A name, and no SQL word, follows these. */
static bool wants_name(const char *before, size_t word_start)
{
    static const char *const leads[] = {
        "from",   "join", "into",     "describe",     "copy",     "stream",    "view",   "table",
        "update", "of",   "tumble(",  "hop(",         "\\d",      "\\d+",      "\\ds",   "\\dm",
        "\\dv",   "\\dt", "\\copy",   "\\dag",        "\\why",    "\\tail",    "\\diff", "\\late",
        "\\sv",   "\\ev", "progress", "subscribe to", "session(", "cumulate(",
    };
    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
        if (text_ends_with_word(before, word_start, leads[i])) {
            return true;
        }
    }
    return false;
}

static bool wants_file(const char *before, size_t word_start)
{
    if (strncmp(before, "\\copy", 5) == 0) {
        return text_ends_with_word(before, word_start, "from") ||
               text_ends_with_word(before, word_start, "to");
    }
    return text_ends_with_word(before, word_start, "\\i") ||
           text_ends_with_word(before, word_start, "\\ir") ||
           text_ends_with_word(before, word_start, "\\o") ||
           text_ends_with_word(before, word_start, "\\infer") ||
           text_ends_with_word(before, word_start, "\\g");
}

static bool wants_setting(const char *before, size_t word_start)
{
    return text_ends_with_word(before, word_start, "set") ||
           text_ends_with_word(before, word_start, "show") ||
           text_ends_with_word(before, word_start, "reset") ||
           text_ends_with_word(before, word_start, "\\dconfig");
}

/* A word of a statement: what may stand there, by the word before it. */
static void find_sql(MrShell *shell, const char *before, size_t start, MrCompletion *found)
{
    const char *word = before + start;
    lists_refresh(shell);
    if (text_ends_with_word(before, start, "connection")) {
        find_in_list(&connections, word, found);
        return;
    }
    if (wants_setting(before, start)) {
        find_in_list(&settings, word, found);
        find_keywords(shell, word, found);
        return;
    }
    find_in_list(&names, word, found);
    if (wants_name(before, start)) {
        return;
    }
    char *whole = mr_text_format(
        "%s\n%.*s", shell->script != NULL ? shell->script->statement.data : "", (int)start, before);
    find_columns(shell, whole, word, found);
    free(whole);
    find_functions(word, found);
    find_keywords(shell, word, found);
}

static int match_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void mr_completion_find(MrShell *shell, const char *before, MrCompletion *found)
{
    size_t start = strlen(before);
    *found = (MrCompletion){ .spaced = true };
    while (start > 0 && strchr(" \t\n,;()", before[start - 1]) == NULL) {
        start--;
    }
    const char *word = before + start;
    found->word_start = start;
    for (const char *c = word; *c != '\0'; c++) {
        found->word_characters += (*c & 0xc0) != 0x80;
    }
    if (word[0] == '\\') {
        const char *name;
        for (int i = 0; (name = mr_commands_name(&i)) != NULL; i++) {
            if (strncmp(name, word + 1, strlen(word + 1)) == 0) {
                found_add(found, mr_text_format("\\%s", name));
            }
        }
    } else if (word[0] == ':') {
        const char *prefix = word[1] == '\'' ? ":'" : word[1] == '"' ? ":\"" : ":";
        find_variables(shell, prefix, word + strlen(prefix), found);
    } else if (text_ends_with_word(before, start, "\\set") ||
               text_ends_with_word(before, start, "\\unset")) {
        find_variables(shell, "", word, found);
    } else if (wants_file(before, start)) {
        find_files(word, found);
    } else if (shell->conn != NULL) {
        find_sql(shell, before, start, found);
    }
    if (found->count > 1) {
        qsort(found->matches, (size_t)found->count, sizeof(char *), match_compare);
    }
}

void mr_completion_free(MrCompletion *found)
{
    for (int i = 0; i < found->count; i++) {
        free(found->matches[i]);
    }
    free(found->matches);
}

void mr_completion_prepare(MrShell *shell)
{
    if (shell->conn != NULL) {
        lists_refresh(shell);
    }
}

bool mr_completion_is_keyword(const char *word, size_t length)
{
    for (int i = 0; i < keywords.count; i++) {
        if (strlen(keywords.words[i]) == length &&
            strncasecmp(keywords.words[i], word, length) == 0) {
            return true;
        }
    }
    return false;
}

void mr_completion_outdate(void)
{
    names_asked = 0;
}
