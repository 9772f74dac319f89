/*
 * tests/fuzz/replay.c - main() of a fuzz target that is built without libFuzzer: calls the target
 * for each file named on the command line and reports in TAP.  Must not know what is fuzzed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return -1;
    }
    uint8_t *data = NULL;
    size_t size = 0;
    size_t room = 0;
    for (;;) {
        if (size == room) {
            room = room == 0 ? 65536 : room * 2;
            uint8_t *larger = realloc(data, room);
            if (larger == NULL) {
                break;
            }
            data = larger;
        }
        size_t got = fread(data + size, 1, room - size, file);
        if (got == 0) {
            break;
        }
        size += got;
    }
    int failed = ferror(file);
    fclose(file);
    if (failed == 0) {
        LLVMFuzzerTestOneInput(data, size);
    }
    free(data);
    return failed == 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 1; i < argc; i++) {
        int bad = replay_file(argv[i]);
        printf("%s %d - %s\n", bad == 0 ? "ok" : "not ok", i, argv[i]);
        fflush(stdout);
        failed |= bad;
    }
    printf("1..%d\n", argc - 1);
    return failed == 0 ? 0 : 1;
}
