/*
 * server/main.c - millraced: PostgreSQL's option letters, a settings file, then the server.
 */
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fault.h"
#include "common/file.h"
#include "server/check.h"
#include "server/server.h"

enum { MMAP_BYTES = 16 << 20, KEPT_BYTES = 8 << 20 };

typedef struct Arguments {
    MrSettings *settings;
    const char *data_directory;
    const char *settings_file;
    bool virtual_clock, is_check, is_check_config, is_salvage, is_approved;
} Arguments;

static int refuse(const MrError *err)
{
    fprintf(stderr, "millraced: %s\n", err->message);
    if (err->hint[0] != '\0') {
        fprintf(stderr, "millraced: %s\n", err->hint);
    }
    return EXIT_FAILURE;
}

static void print_help(void)
{
    puts("millraced is the Millrace server: standing SQL queries over streams.\n"
         "\n"
         "Usage: millraced [OPTION]...\n"
         "\n"
         "  -D DIR             data directory, made when missing (default ./millrace-data)\n"
         "  -h HOST            addresses to listen on (default 127.0.0.1)\n"
         "  -p PORT            TCP port (default 7432; 0 takes a free one, see DIR/port)\n"
         "  -k DIR             directory of the Unix socket (default: the data directory)\n"
         "  -c NAME=VALUE      a setting; --NAME=VALUE is the same\n"
         "  -f FILE            settings file (default DIR/millrace.conf, if it is there)\n"
         "      --virtual-clock  time moves only by SET CLOCK (for tests)\n"
         "      --check          read the log of a stopped server, say what is damaged and exit\n"
         "      --salvage        say what must be given up to use a damaged log again and exit;\n"
         "                       with --yes give it up\n"
         "      --check-config   read settings file and options, say what is wrong and exit\n"
         "      --print-defaults print every setting with its default and exit\n"
         "  -V, --version      print the version and exit\n"
         "  -?, --help         print this and exit\n"
         "\n"
         "SIGTERM and SIGINT finish what runs and stop; SIGHUP reads the settings file again.");
}

static void print_defaults(void)
{
    for (int id = 0; id < MR_SETTING_COUNT; id++) {
        const MrSettingInfo *info = mr_setting_info((MrSettingId)id);
        if (info->scope != MR_SETTING_FIXED) {
            printf("# %s\n#%s = '%s'\n\n", info->doc, info->name, info->initial);
        }
    }
}

static MrStatus set_one(MrSettings *settings, const char *name, size_t length, const char *value,
                        MrError *err)
{
    MrSettingId id;
    MrString text = { name, length };
    if (!mr_setting_find(text, &id)) {
        const char *nearest = mr_setting_nearest(text);
        mr_error_set(err, MR_ERR_UNDEFINED_OBJECT, "there is no setting \"%.*s\"", (int)length,
                     name);
        return nearest == NULL ? err->status
                               : mr_error_hint(err, "Perhaps you mean \"%s\".", nearest);
    }
    return mr_settings_set(settings, id, mr_string(value), MR_SETTING_START, err);
}

/* NAME=VALUE */
static MrStatus set_pair(MrSettings *settings, const char *pair, MrError *err)
{
    const char *equals = strchr(pair, '=');
    if (equals == NULL) {
        return mr_error_set(err, MR_ERR_INVALID_PARAMETER, "\"%s\" is not of the form NAME=VALUE",
                            pair);
    }
    return set_one(settings, pair, (size_t)(equals - pair), equals + 1, err);
}

enum {
    OPTION_VIRTUAL_CLOCK = 1000,
    OPTION_PRINT_DEFAULTS,
    OPTION_CHECK_CONFIG,
    OPTION_CHECK,
    OPTION_SALVAGE,
    OPTION_YES
};

static const struct option long_options[] = {
    { "help", no_argument, NULL, '?' },
    { "version", no_argument, NULL, 'V' },
    { "virtual-clock", no_argument, NULL, OPTION_VIRTUAL_CLOCK },
    { "print-defaults", no_argument, NULL, OPTION_PRINT_DEFAULTS },
    { "check-config", no_argument, NULL, OPTION_CHECK_CONFIG },
    { "check", no_argument, NULL, OPTION_CHECK },
    { "salvage", no_argument, NULL, OPTION_SALVAGE },
    { "yes", no_argument, NULL, OPTION_YES },
    { NULL, 0, NULL, 0 },
};

/* Options are read twice: the settings file, which -D and -f name, stands between defaults and
 * -c. */
typedef enum Pass { PASS_PLACES, PASS_SETTINGS } Pass;

static bool is_setting_argument(const char *argument)
{
    return strncmp(argument, "--", 2) == 0 && strchr(argument, '=') != NULL;
}

/* *code: the exit code when the program is to end here; -1: go on. */
static MrStatus read_options(Arguments *arguments, int argc, char **argv, Pass pass, int *code,
                             MrError *err)
{
    int option;
    optind = 1;
    *code = -1;
    while ((option = getopt_long(argc, argv, "D:h:p:k:c:f:V?", long_options, NULL)) != -1) {
        switch (option) {
        case 'D': arguments->data_directory = optarg; break;
        case 'f': arguments->settings_file = optarg; break;
        case 'h':
        case 'p':
        case 'k':
            if (pass == PASS_SETTINGS) {
                const char *name = option == 'h'   ? "listen_addresses"
                                   : option == 'p' ? "port"
                                                   : "unix_socket_directory";
                MR_TRY(set_one(arguments->settings, name, strlen(name), optarg, err));
            }
            break;
        case 'c':
            if (pass == PASS_SETTINGS) {
                MR_TRY(set_pair(arguments->settings, optarg, err));
            }
            break;
        case OPTION_VIRTUAL_CLOCK: arguments->virtual_clock = true; break;
        case OPTION_CHECK_CONFIG: arguments->is_check_config = true; break;
        case OPTION_CHECK: arguments->is_check = true; break;
        case OPTION_SALVAGE: arguments->is_salvage = true; break;
        case OPTION_YES: arguments->is_approved = true; break;
        case OPTION_PRINT_DEFAULTS:
            print_defaults();
            *code = EXIT_SUCCESS;
            return MR_OK;
        case 'V':
            printf("millraced (Millrace) %s\n", PACKAGE_VERSION);
            *code = EXIT_SUCCESS;
            return MR_OK;
        default:
            print_help();
            *code = optopt == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
            return MR_OK;
        }
    }
    if (optind < argc) {
        return mr_error_set(err, MR_ERR_INVALID_PARAMETER, "unexpected argument \"%s\"",
                            argv[optind]);
    }
    return MR_OK;
}

/* --NAME=VALUE, as postgres takes it; taken out of argv. */
static MrStatus read_long_settings(Arguments *arguments, int *argc, char **argv, MrError *err)
{
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        if (is_setting_argument(argv[i])) {
            MR_TRY(set_pair(arguments->settings, argv[i] + 2, err));
        } else {
            argv[kept++] = argv[i];
        }
    }
    *argc = kept;
    argv[kept] = NULL;
    return MR_OK;
}

static MrStatus check_connections(const MrSettings *settings, MrError *err)
{
    const int64_t kept = mr_settings_int(settings, MR_SET_SUPERUSER_RESERVED_CONNECTIONS);
    const int64_t max = mr_settings_int(settings, MR_SET_MAX_CONNECTIONS);
    return kept < max ? MR_OK
                      : mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                                     "superuser_reserved_connections (%lld) must be less than "
                                     "max_connections (%lld)",
                                     (long long)kept, (long long)max);
}

static MrStatus read_arguments(Arguments *arguments, int argc, char **argv, int *code, MrError *err)
{
    static char default_file[4096];
    char *copy[256];
    int count = argc < 255 ? argc : 255;
    memcpy(copy, argv, (size_t)count * sizeof *copy);
    copy[count] = NULL;
    Arguments places = *arguments;
    MrSettings *scratch = mr_settings_create();
    if (scratch == NULL) {
        return mr_error_no_memory(err);
    }
    places.settings = scratch;
    MrStatus status = read_long_settings(&places, &count, copy, err);
    mr_settings_destroy(scratch);
    if (status == MR_OK) {
        status = read_options(&places, count, copy, PASS_PLACES, code, err);
    }
    if (status != MR_OK || *code >= 0) {
        return status;
    }
    arguments->data_directory = places.data_directory;
    arguments->settings_file = places.settings_file;
    if (arguments->settings_file == NULL) {
        snprintf(default_file, sizeof default_file, "%s/millrace.conf", arguments->data_directory);
        arguments->settings_file = mr_file_exists(default_file) ? default_file : NULL;
    }
    if (arguments->settings_file != NULL) {
        MR_TRY(mr_settings_read_file(arguments->settings, arguments->settings_file,
                                     MR_SETTING_START, err));
    }
    MR_TRY(read_long_settings(arguments, &argc, argv, err));
    MR_TRY(read_options(arguments, argc, argv, PASS_SETTINGS, code, err));
    return check_connections(arguments->settings, err);
}

/* A SELECT's thread gives back some megabytes at its end, and the next one wants as many: returned
 * to the system in between, their page faults are a third of a short query's time. */
static void keep_freed_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
#endif
}

int main(int argc, char **argv)
{
    MrError err = MR_ERROR_INIT;
    Arguments arguments = { .settings = mr_settings_create(), .data_directory = "./millrace-data" };
    int code;
    mr_file_hold_standard_streams();
    if (arguments.settings == NULL) {
        fprintf(stderr, "millraced: out of memory\n");
        return EXIT_FAILURE;
    }
    MrStatus status = mr_fault_init(getenv("MILLRACE_FAULT"), &err);
    if (status == MR_OK) {
        status = read_arguments(&arguments, argc, argv, &code, &err);
    }
    if (status != MR_OK || code >= 0) {
        mr_settings_destroy(arguments.settings);
        return status != MR_OK ? refuse(&err) : code;
    }
    if (arguments.is_check_config) {
        printf("millraced: the settings are right (%s)\n",
               arguments.settings_file != NULL ? arguments.settings_file : "there is no file");
        mr_settings_destroy(arguments.settings);
        return EXIT_SUCCESS;
    }
    if (arguments.is_check) {
        mr_settings_destroy(arguments.settings);
        return mr_server_check(arguments.data_directory);
    }
    if (arguments.is_salvage) {
        mr_settings_destroy(arguments.settings);
        return mr_server_salvage(arguments.data_directory, arguments.is_approved);
    }
    MrServerOptions options = { .data_directory = arguments.data_directory,
                                .settings = arguments.settings,
                                .settings_file = arguments.settings_file,
                                .virtual_clock = arguments.virtual_clock };
    keep_freed_memory();
    return mr_server_main(&options);
}
