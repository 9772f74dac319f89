/*
 * server/target_file.c - which file a connection writes: see target_file.h.
 */
#include "server/target_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "common/logging.h"

enum { LINKS_MAX = 40 };

/* A file: itself where it is there, otherwise its name in the directory that would hold it. */
typedef struct Place {
    dev_t device;
    ino_t inode;
    char name[NAME_MAX + 1]; /* "": it is there */
} Place;

static bool is_same(const Place *one, const Place *other)
{
    return one->device == other->device && one->inode == other->inode &&
           strcmp(one->name, other->name) == 0;
}

/* `at` becomes what the link there says; false: there is none. */
static bool follow_link(char at[PATH_MAX])
{
    char said[PATH_MAX];
    ssize_t length = readlink(at, said, sizeof said - 1);
    if (length <= 0) {
        return false;
    }
    said[length] = '\0';
    char *slash = strrchr(at, '/');
    size_t kept = said[0] == '/' || slash == NULL ? 0 : (size_t)(slash - at) + 1;
    if (kept + (size_t)length >= PATH_MAX) {
        return false;
    }
    memcpy(at + kept, said, (size_t)length + 1);
    return true;
}

/* False: nothing can be there. */
static bool place_find(const char *path, Place *out)
{
    char at[PATH_MAX];
    struct stat info;
    *out = (Place){ 0 };
    size_t length = strlen(path);
    if (length >= sizeof at) {
        return false;
    }
    memcpy(at, path, length + 1);
    int links = 0;
    while (stat(at, &info) != 0) { /* a link may lead to a file that will be made */
        if (errno != ENOENT || links++ == LINKS_MAX) {
            return false;
        }
        if (!follow_link(at)) {
            break;
        }
    }
    if (stat(at, &info) != 0) {
        char *slash = strrchr(at, '/');
        length = slash == NULL ? sizeof out->name : strlen(slash + 1);
        if (length >= sizeof out->name) {
            return false;
        }
        memcpy(out->name, slash + 1, length + 1);
        slash[1] = '\0'; /* "/x" is in "/" */
        if (stat(at, &info) != 0) {
            return false;
        }
    }
    out->device = info.st_dev;
    out->inode = info.st_ino;
    return true;
}

/* False: the connection writes no file. */
static bool connection_place(const MrServer *server, const MrConnection *connection, Place *out)
{
    char path[PATH_MAX];
    if (strcmp(connection->sink_class, "postgres") == 0) {
        return false;
    }
    bool is_absolute = connection->location[0] == '/';
    int length = snprintf(path, sizeof path, "%s%s%s", is_absolute ? "" : server->data_directory,
                          is_absolute ? "" : "/", connection->location);
    return length < (int)sizeof path && place_find(path, out);
}

/* ---- The server's own files ------------------------------------------------------------------ */

typedef struct Search {
    const char *directory;
    const Place *place;
    bool is_found;
} Search;

static void compare_with(void *context, const char *name)
{
    Search *search = context;
    char path[PATH_MAX];
    Place own;
    int length = snprintf(path, sizeof path, "%s/%s", search->directory, name);
    search->is_found = search->is_found || (length < (int)sizeof path && place_find(path, &own) &&
                                            is_same(&own, search->place));
}

/* In the directory itself, or a file of it by another name. */
static bool is_of_directory(const char *directory, const char *path, const Place *place)
{
    char parent[PATH_MAX], resolved[PATH_MAX];
    Search search = { .directory = directory, .place = place };
    snprintf(parent, sizeof parent, "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash != NULL) {
        slash[1] = '\0';
    }
    size_t length = strlen(directory);
    if (realpath(parent, resolved) != NULL && strncmp(resolved, directory, length) == 0 &&
        (resolved[length] == '/' || resolved[length] == '\0')) {
        return true;
    }
    return mr_file_list_directory(directory, compare_with, &search, NULL) == MR_OK &&
           search.is_found;
}

static bool is_own(const MrServer *server, const MrConnection *connection, const Place *place)
{
    static const char *const files[] = { "catalog.db",         "catalog.db-wal", "catalog.db-shm",
                                         "catalog.db-journal", "main.db-wal",    "main.db-shm",
                                         "main.db-journal",    "LOCK",           "port",
                                         "http_port",          "alerts.progress" };
    static const char *const directories[] = { "log", "checkpoints" };
    char path[PATH_MAX], own[PATH_MAX];
    Search search = { .directory = server->data_directory, .place = place };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        compare_with(&search, files[i]);
    }
    bool is_absolute = connection->location[0] == '/';
    snprintf(path, sizeof path, "%s%s%s", is_absolute ? "" : server->data_directory,
             is_absolute ? "" : "/", connection->location);
    for (size_t i = 0; i < sizeof directories / sizeof directories[0] && !search.is_found; i++) {
        snprintf(own, sizeof own, "%s/%s", server->data_directory, directories[i]);
        search.is_found = is_of_directory(own, path, place);
    }
    return search.is_found;
}

MrStatus mr_target_file_check(const MrServer *server, const MrCatalog *catalog,
                              const MrConnection *connection, MrError *err)
{
    Place place, taken;
    if (!connection_place(server, connection, &place)) {
        return MR_OK;
    }
    if (is_own(server, connection, &place)) {
        mr_error_set(err, MR_ERR_INSUFFICIENT_PRIVILEGE, "file \"%s\" is the server's own",
                     connection->location);
        return mr_error_hint(err, "Put the database somewhere else.");
    }
    for (uint32_t i = 0; i < mr_catalog_connection_count(catalog); i++) {
        const MrConnection *other = mr_catalog_connection_at(catalog, i);
        if (strcmp(other->name, connection->name) != 0 && connection_place(server, other, &taken) &&
            is_same(&place, &taken)) {
            mr_error_set(err, MR_ERR_OBJECT_IN_USE,
                         "file \"%s\" is that of connection \"%s\" already", connection->location,
                         other->name);
            return mr_error_hint(err, "A file has one writer: write to \"%s\".", other->name);
        }
    }
    return MR_OK;
}

void mr_target_files_warn(const MrServer *server, const MrCatalog *catalog)
{
    for (uint32_t i = 0; i < mr_catalog_connection_count(catalog); i++) {
        MrError err = MR_ERROR_INIT;
        if (mr_target_file_check(server, catalog, mr_catalog_connection_at(catalog, i), &err) !=
            MR_OK) {
            mr_log_error(MR_LOG_WARNING, "connection.file", &err);
        }
    }
}
