/*
 * common/numbers.c - see numbers.h.
 */
#include "common/numbers.h"

#include "common/grow.h"

void mr_numbers_add(MrNumbers *numbers, uint64_t number)
{
    if (numbers->count == numbers->capacity) {
        void *larger = mr_grow(numbers->items, sizeof *numbers->items, &numbers->capacity);
        if (larger == NULL) {
            numbers->failed = true;
            return;
        }
        numbers->items = larger;
    }
    numbers->items[numbers->count++] = number;
}
