/*
 * tests/fuzz/fuzz_parser.c - any bytes are parsed or refused with an error, and what was parsed
 * prints to a text that parses to the same tree again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parser/parser.h"
#include "parser/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void give_up(const char *what, const char *first, const char *second)
{
    fprintf(stderr, "%s\nfirst:  %s\nsecond: %s\n", what, first, second);
    abort();
}

/* The canonical text of a statement must be a fixed point of parse and print. */
static void check_round_trip(MrArena *arena, const MrNode *node)
{
    const char *first = mr_ast_to_text(arena, node, MR_PRINT_COMPLETE);
    if (first == NULL) {
        return; /* the arena's limit */
    }
    MrStatementList again;
    MrError error = { 0 };
    MrStatus status = mr_parse(arena, first, strlen(first), &again, &error);
    if (status != MR_OK) {
        /* Added brackets and spaces may carry a text over a limit; nothing else may go wrong. */
        if (strncmp(error.sqlstate, "54", 2) == 0 || strcmp(error.sqlstate, "53200") == 0) {
            return;
        }
        give_up("what was printed does not parse", first, error.message);
    }
    if (again.count != 1) {
        give_up("what was printed is not one statement", first, "");
    }
    const char *second = mr_ast_to_text(arena, again.items[0].node, MR_PRINT_COMPLETE);
    if (second != NULL && strcmp(first, second) != 0) {
        give_up("printed twice, two texts", first, second);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MrArena arena;
    mr_arena_init(&arena, (size_t)64 << 20);
    MrStatementList list;
    MrError error = { 0 };
    if (mr_parse(&arena, (const char *)data, size, &list, &error) == MR_OK) {
        for (uint32_t i = 0; i < list.count; i++) {
            check_round_trip(&arena, list.items[i].node);
        }
    } else if (strlen(error.sqlstate) != 5 || error.message[0] == '\0') {
        give_up("refused without a reason", error.sqlstate, error.message);
    }
    mr_arena_fini(&arena);
    return 0;
}
