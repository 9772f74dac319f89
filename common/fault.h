/*
 * common/fault.h - faults as inputs: named and numbered points where a test makes things go wrong.
 * Compiled in always (one predicted branch); armed only by the environment variable MILLRACE_FAULT
 * or by a test.  Forms, comma separated:
 *     io:K:eio | io:K:enospc | io:K:short | io:K:die    the K-th call of common/file.h (1-based)
 *     io:K:tear      half of a write reaches the file, then "die"
 *     NAME:K:die     the K-th time the point NAME is passed
 *     NAME:K:halt    stops the process there (SIGSTOP) until SIGCONT
 *     plant:NAME     a planted bug (see tests/README.md)
 * K may be `*`: every time.  "die" is _exit(99) at once, like kill -9.  "short": half of a write
 * reaches the file, or a read gives half, and the call fails; elsewhere it is like "eio".
 */
#ifndef MR_COMMON_FAULT_H
#define MR_COMMON_FAULT_H

#include "common/status.h"

typedef enum MrFault {
    MR_FAULT_NONE,
    MR_FAULT_EIO,
    MR_FAULT_ENOSPC,
    MR_FAULT_SHORT,
    MR_FAULT_TEAR, /* write a half, then call mr_fault_die() */
} MrFault;

/* Arms what `text` says (the value of MILLRACE_FAULT; NULL or "": nothing) in place of what was
 * armed before, and counts from 0 again.  Called before threads start.  A text it can't read is an
 * error. */
MrStatus mr_fault_init(const char *text, MrError *err);
/* The fault that the next file call should meet; counts the call.  May not return ("die"). */
MrFault mr_fault_next_io(void);
_Noreturn void mr_fault_die(void);
/* A named point: "log.after_write", "target.after_commit" …  May not return. */
void mr_fault_point(const char *name);
/* True when the planted bug is switched on. */
bool mr_fault_planted(const char *name);
/* File calls counted so far, so that a test learns how many points there are. */
uint64_t mr_fault_io_count(void);

#endif
