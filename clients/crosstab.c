/*
 * clients/crosstab.c - turns a result into a crosstab: distinct values of one column go down,
 * those of another across, each in the order in which they come first or by a column of ranks.
 */
#include "clients/crosstab.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "clients/commands.h"
#include "clients/show.h"

enum { COLUMNS_MAX = 1600 };

/* The distinct values of a column, with an index over them so that a large result takes no square
 * of its rows.  Texts are borrowed from the result; NULL is a value as well. */
typedef struct Header {
    const PGresult *result;
    int column;
    int *rows; /* of the result: where each value came first */
    int count;
    int *slots; /* value number + 1; 0: free */
    size_t slot_count;
} Header;

void mr_crosstab_free(MrCrosstab *crosstab)
{
    for (int i = 0; crosstab != NULL && i < 4; i++) {
        free(crosstab->columns[i]);
    }
    free(crosstab);
}

/* \crosstabview [colV [colH [colD [sortcolH]]]] */
MrCommandStatus mr_command_crosstab(MrShell *shell, const char *name)
{
    (void)name;
    mr_crosstab_free(shell->send.crosstab);
    shell->send.crosstab = mr_allocate(sizeof(MrCrosstab));
    for (int i = 0; i < 4; i++) {
        shell->send.crosstab->columns[i] = mr_lexer_argument(&shell->script->lexer, false);
    }
    return MR_COMMAND_SEND;
}

/* ---- Which column is meant ------------------------------------------------------------------- */

/* Unquoted letters are folded, as in SQL. */
static char *name_fold(const char *typed)
{
    MrBuffer out;
    bool quoted = false;
    mr_buffer_init(&out);
    for (; *typed != '\0'; typed++) {
        if (*typed == '"' && quoted && typed[1] == '"') {
            mr_buffer_append_char(&out, *typed++);
        } else if (*typed == '"') {
            quoted = !quoted;
        } else {
            mr_buffer_append_char(&out, quoted ? *typed : (char)tolower((unsigned char)*typed));
        }
    }
    return out.data;
}

/* -1 after a message. */
static int column_by_name(const MrShell *shell, const PGresult *result, const char *typed)
{
    char *name = name_fold(typed);
    int found = -1;
    for (int i = 0; i < PQnfields(result); i++) {
        if (strcmp(PQfname(result, i), name) != 0) {
            continue;
        }
        if (found >= 0) {
            mr_shell_message(shell, MR_LEVEL_ERROR, "\\crosstabview: ambiguous column name: \"%s\"",
                             name);
            free(name);
            return -1;
        }
        found = i;
    }
    if (found < 0) {
        mr_shell_message(shell, MR_LEVEL_ERROR, "\\crosstabview: column name not found: \"%s\"",
                         name);
    }
    free(name);
    return found;
}

static int column_find(const MrShell *shell, const PGresult *result, const char *typed)
{
    if (*typed == '\0' || typed[strspn(typed, "0123456789")] != '\0') {
        return column_by_name(shell, result, typed);
    }
    long number = strtol(typed, NULL, 10);
    if (number < 1 || number > PQnfields(result)) {
        mr_shell_message(shell, MR_LEVEL_ERROR,
                         "\\crosstabview: column number %s is out of range 1..%d", typed,
                         PQnfields(result));
        return -1;
    }
    return (int)number - 1;
}

/* With three columns the data are in the one that is neither header. */
static bool columns_choose(const MrShell *shell, const PGresult *result, const MrCrosstab *crosstab,
                           int chosen[4])
{
    const int otherwise[4] = { 0, 1, -1, -1 };
    if (PQnfields(result) < 3) {
        mr_shell_message(shell, MR_LEVEL_ERROR,
                         "\\crosstabview: query must return at least three columns");
        return false;
    }
    for (int i = 0; i < 4; i++) {
        const char *typed = crosstab->columns[i];
        if (i == MR_CROSSTAB_DATA && chosen[MR_CROSSTAB_ROWS] == chosen[MR_CROSSTAB_COLUMNS]) {
            mr_shell_message(shell, MR_LEVEL_ERROR,
                             "\\crosstabview: vertical and horizontal headers must be different "
                             "columns");
            return false;
        }
        if (i == MR_CROSSTAB_DATA && typed == NULL) {
            if (PQnfields(result) > 3) {
                mr_shell_message(shell, MR_LEVEL_ERROR,
                                 "\\crosstabview: data column must be specified when query returns "
                                 "more than three columns");
                return false;
            }
            chosen[i] = 3 - chosen[MR_CROSSTAB_ROWS] - chosen[MR_CROSSTAB_COLUMNS];
            continue;
        }
        chosen[i] = typed == NULL ? otherwise[i] : column_find(shell, result, typed);
        if (typed != NULL && chosen[i] < 0) {
            return false;
        }
    }
    return true;
}

/* ---- The headers ----------------------------------------------------------------------------- */

static bool values_equal(const PGresult *result, int column, int one, int other)
{
    return PQgetisnull(result, one, column) == PQgetisnull(result, other, column) &&
           strcmp(PQgetvalue(result, one, column), PQgetvalue(result, other, column)) == 0;
}

static size_t slot_of(const Header *header, int row)
{
    size_t hash = PQgetisnull(header->result, row, header->column) != 0 ? 7 : 14695981039346656037U;
    for (const char *c = PQgetvalue(header->result, row, header->column); *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * 1099511628211U;
    }
    size_t slot = hash & (header->slot_count - 1);
    while (header->slots[slot] != 0 && !values_equal(header->result, header->column, row,
                                                     header->rows[header->slots[slot] - 1])) {
        slot = (slot + 1) & (header->slot_count - 1);
    }
    return slot;
}

static void header_init(Header *header, const PGresult *result, int column)
{
    int row_count = PQntuples(result);
    *header = (Header){ .result = result, .column = column, .slot_count = 16 };
    while (header->slot_count < (size_t)row_count * 2) {
        header->slot_count *= 2;
    }
    header->slots = mr_allocate(header->slot_count * sizeof(*header->slots));
    header->rows = mr_allocate(((size_t)row_count + 1) * sizeof(*header->rows));
    for (int row = 0; row < row_count; row++) {
        size_t slot = slot_of(header, row);
        if (header->slots[slot] == 0) {
            header->rows[header->count++] = row;
            header->slots[slot] = header->count;
        }
    }
}

static void header_fini(Header *header)
{
    free(header->rows);
    free(header->slots);
}

static int header_number(const Header *header, int row)
{
    return header->slots[slot_of(header, row)] - 1;
}

/* What is no number comes last, as it came. */
static int rank_of(const PGresult *result, int row, int column)
{
    const char *text = PQgetvalue(result, row, column);
    const char *digits = text + (*text == '-' ? 1 : 0);
    bool is_number = *digits != '\0' && digits[strspn(digits, "0123456789")] == '\0';
    return is_number && !PQgetisnull(result, row, column) ? atoi(text) : INT_MAX;
}

/* The place of each value across: by its rank where there is a column of them. */
static int *places_make(const Header *header, int sort_column)
{
    int *order = mr_allocate(((size_t)header->count + 1) * sizeof(*order));
    int *places = mr_allocate(((size_t)header->count + 1) * sizeof(*places));
    for (int i = 0; i < header->count; i++) { /* few values: insertion, which keeps equal ranks */
        int at = i;
        while (sort_column >= 0 && at > 0 &&
               rank_of(header->result, header->rows[order[at - 1]], sort_column) >
                   rank_of(header->result, header->rows[i], sort_column)) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
    for (int i = 0; i < header->count; i++) {
        places[order[i]] = i;
    }
    free(order);
    return places;
}

/* ---- The table ------------------------------------------------------------------------------- */

static const char *value_shown(const MrShell *shell, const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column) ? shell->print.null_text
                                            : PQgetvalue(result, row, column);
}

static PGresult *table_make(const MrShell *shell, const Header *down, const Header *across,
                            const int *places, int data)
{
    const PGresult *result = down->result;
    PGresAttDesc *attributes = mr_allocate(((size_t)across->count + 1) * sizeof(*attributes));
    attributes[0].name = PQfname(result, down->column);
    attributes[0].typid = PQftype(result, down->column);
    for (int i = 0; i < across->count; i++) {
        const char *name = value_shown(shell, result, across->rows[i], across->column);
        attributes[places[i] + 1].name = (char *)(size_t)name;
        attributes[places[i] + 1].typid = PQftype(result, data);
    }
    PGresult *table = PQmakeEmptyPGresult(shell->conn, PGRES_TUPLES_OK);
    PQsetResultAttrs(table, across->count + 1, attributes);
    for (int row = 0; row < down->count; row++) {
        for (int i = 0; i <= across->count; i++) {
            PQsetvalue(table, row, i, (char[]){ '\0' }, 0); /* a pair that does not occur */
        }
        int from = down->rows[row];
        PQsetvalue(
            table, row, 0, PQgetvalue(result, from, down->column),
            PQgetisnull(result, from, down->column) ? -1 : PQgetlength(result, from, down->column));
    }
    free(attributes);
    return table;
}

/* Each row of the result fills one cell; a second one for it is an error. */
static bool table_fill(const MrShell *shell, PGresult *table, const Header *down,
                       const Header *across, const int *places, int data)
{
    const PGresult *result = down->result;
    bool *filled = mr_allocate((size_t)down->count * (size_t)across->count + 1);
    bool ok = true;
    for (int row = 0; ok && row < PQntuples(result); row++) {
        int to_row = header_number(down, row);
        int place = places[header_number(across, row)];
        bool *cell = &filled[(size_t)to_row * (size_t)across->count + (size_t)place];
        if (*cell) {
            const char *names[2] = { "(null)", "(null)" };
            const int columns[2] = { down->column, across->column };
            for (int i = 0; i < 2; i++) {
                if (!PQgetisnull(result, row, columns[i])) {
                    names[i] = PQgetvalue(result, row, columns[i]);
                }
            }
            mr_shell_message(shell, MR_LEVEL_ERROR,
                             "\\crosstabview: query result contains multiple data values for row "
                             "\"%s\", column \"%s\"",
                             names[0], names[1]);
            ok = false;
        }
        *cell = true;
        PQsetvalue(table, to_row, place + 1, PQgetvalue(result, row, data),
                   PQgetisnull(result, row, data) ? -1 : PQgetlength(result, row, data));
    }
    free(filled);
    return ok;
}

bool mr_crosstab_show(MrShell *shell, const PGresult *result, const MrCrosstab *crosstab, FILE *out)
{
    int chosen[4];
    if (!columns_choose(shell, result, crosstab, chosen)) {
        return false;
    }
    Header down;
    Header across;
    header_init(&down, result, chosen[MR_CROSSTAB_ROWS]);
    header_init(&across, result, chosen[MR_CROSSTAB_COLUMNS]);
    bool ok = across.count <= COLUMNS_MAX;
    if (!ok) {
        mr_shell_message(shell, MR_LEVEL_ERROR,
                         "\\crosstabview: maximum number of columns (%d) exceeded", COLUMNS_MAX);
    } else {
        int *places = places_make(&across, chosen[MR_CROSSTAB_SORT]);
        PGresult *table = table_make(shell, &down, &across, places, chosen[MR_CROSSTAB_DATA]);
        ok = table_fill(shell, table, &down, &across, places, chosen[MR_CROSSTAB_DATA]);
        if (ok) {
            mr_show_rows(shell, table, &shell->print, shell->send.title, NULL, out);
        }
        PQclear(table);
        free(places);
    }
    header_fini(&across);
    header_fini(&down);
    return ok;
}
