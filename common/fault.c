/*
 * common/fault.c - parses MILLRACE_FAULT and counts the points that are passed.
 */
#include "common/fault.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/text.h"

#define FAULT_MAX 32
#define FAULT_NAME_MAX 64
#define FAULT_EXIT_CODE 99

typedef enum FaultAction {
    ACTION_EIO,
    ACTION_ENOSPC,
    ACTION_SHORT,
    ACTION_TEAR,
    ACTION_DIE,
    ACTION_HALT,
    ACTION_PLANT,
    ACTION_COUNT
} FaultAction;

static const char *const action_names[ACTION_COUNT] = {
    "eio", "enospc", "short", "tear", "die", "halt", NULL,
};

typedef struct Fault {
    char name[FAULT_NAME_MAX];
    FaultAction action;
    uint64_t at;             /* 1-based; 0: every time */
    _Atomic uint64_t passed; /* times a named point was passed */
} Fault;

static Fault faults[FAULT_MAX];
static size_t fault_count; /* 0 in production: the one branch */
static _Atomic uint64_t fault_io_calls;

static bool fault_parse_at(MrString text, uint64_t *out)
{
    if (mr_string_equal(text, MR_STRING("*"))) {
        *out = 0;
        return true;
    }
    uint64_t at = 0;
    if (text.length == 0 || text.length > 18) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        at = at * 10 + (uint64_t)(text.data[i] - '0');
    }
    *out = at;
    return at != 0;
}

static bool fault_parse_action(MrString text, bool is_io, FaultAction *out)
{
    for (int action = 0; action < ACTION_PLANT; action++) {
        if (mr_string_equal(text, mr_string(action_names[action]))) {
            *out = (FaultAction)action;
            return is_io ? action != ACTION_HALT : action >= ACTION_DIE;
        }
    }
    return false;
}

/* Cuts the text at the first `separator`; the rest is empty when there is none. */
static MrString text_cut(MrString *rest, char separator)
{
    const char *found = rest->length == 0 ? NULL : memchr(rest->data, separator, rest->length);
    MrString part = *rest;
    if (found == NULL) {
        *rest = (MrString){ "", 0 };
    } else {
        part.length = (size_t)(found - rest->data);
        rest->data = found + 1;
        rest->length -= part.length + 1;
    }
    return part;
}

static bool fault_parse(MrString text, Fault *out)
{
    MrString first = text_cut(&text, ':');
    MrString name = first;

    if (mr_string_equal(first, MR_STRING("plant"))) {
        name = text;
        out->action = ACTION_PLANT;
        out->at = 0;
    } else {
        MrString at = text_cut(&text, ':');
        bool is_io = mr_string_equal(first, MR_STRING("io"));
        if (!fault_parse_at(at, &out->at) || !fault_parse_action(text, is_io, &out->action)) {
            return false;
        }
    }
    if (name.length == 0 || name.length >= sizeof out->name) {
        return false;
    }
    memcpy(out->name, name.data, name.length);
    out->name[name.length] = '\0';
    atomic_init(&out->passed, 0);
    return true;
}

MrStatus mr_fault_init(const char *text, MrError *err)
{
    MrString rest = mr_string(text);

    fault_count = 0;
    atomic_store(&fault_io_calls, 0);
    while (rest.length > 0) {
        MrString one = text_cut(&rest, ',');
        if (fault_count == FAULT_MAX) {
            fault_count = 0;
            return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                                "MILLRACE_FAULT names more than %d faults", FAULT_MAX);
        }
        if (!fault_parse(one, &faults[fault_count])) {
            fault_count = 0;
            mr_error_set(err, MR_ERR_INVALID_PARAMETER, "not a fault: \"%.*s\"",
                         (int)(one.length < 200 ? one.length : 200), one.data);
            mr_error_hint(err,
                          "Write io:K:eio|enospc|short|tear|die, NAME:K:die|halt or plant:NAME.");
            return MR_ERR_INVALID_PARAMETER;
        }
        fault_count++;
    }
    return MR_OK;
}

_Noreturn void mr_fault_die(void)
{
    /* Not _exit: a sanitizer would look at what is left first, and call running threads a leak. */
    for (;;) {
        (void)syscall(SYS_exit_group, FAULT_EXIT_CODE);
    }
}

MrFault mr_fault_next_io(void)
{
    uint64_t call = atomic_fetch_add_explicit(&fault_io_calls, 1, memory_order_relaxed) + 1;

    for (size_t i = 0; i < fault_count; i++) {
        Fault *fault = &faults[i];
        if (strcmp(fault->name, "io") != 0 || (fault->at != 0 && fault->at != call)) {
            continue;
        }
        switch (fault->action) {
        case ACTION_EIO: return MR_FAULT_EIO;
        case ACTION_ENOSPC: return MR_FAULT_ENOSPC;
        case ACTION_SHORT: return MR_FAULT_SHORT;
        case ACTION_TEAR: return MR_FAULT_TEAR;
        case ACTION_DIE: mr_fault_die();
        default: break;
        }
    }
    return MR_FAULT_NONE;
}

void mr_fault_point(const char *name)
{
    for (size_t i = 0; i < fault_count; i++) {
        Fault *fault = &faults[i];
        if ((fault->action != ACTION_DIE && fault->action != ACTION_HALT) ||
            strcmp(fault->name, name) != 0) {
            continue;
        }
        uint64_t passed = atomic_fetch_add(&fault->passed, 1) + 1;
        if (fault->at != 0 && fault->at != passed) {
            continue;
        }
        if (fault->action == ACTION_DIE) {
            mr_fault_die();
        }
        kill(getpid(), SIGSTOP); /* all threads; the test reads, then sends SIGCONT */
    }
}

bool mr_fault_planted(const char *name)
{
    for (size_t i = 0; i < fault_count; i++) {
        if (faults[i].action == ACTION_PLANT && strcmp(faults[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

uint64_t mr_fault_io_count(void)
{
    return atomic_load(&fault_io_calls);
}
