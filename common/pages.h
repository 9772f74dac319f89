/*
 * common/pages.h - large pages under large arrays that are read here and there.
 */
#ifndef MR_COMMON_PAGES_H
#define MR_COMMON_PAGES_H

#include <stddef.h>

/* Asks for pages of two megabytes under the memory, which may be any part of an allocation: one
 * page to find and to clear in place of 512.  Advice: nothing depends on it, and small arrays
 * (below some megabytes) are left as they are. */
void mr_pages_advise_large(void *memory, size_t bytes);

#endif
