/*
 * A disk quota that is used up: what would make a file under HOLDFAST_TEST_QUOTA_DIRECTORY longer fails with EDQUOT, once all
 * of them together are as long as the file `limit` beside that directory says, in bytes. To be loaded with LD_PRELOAD.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef ssize_t (*pwrite_call)(int, const void *, size_t, off64_t);
typedef ssize_t (*write_call)(int, const void *, size_t);

static long long used(const char *directory) {
  long long sum = 0;
  DIR *entries = opendir(directory);
  if (entries == NULL) return 0;
  for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
    char file[4096];
    struct stat facts;
    if ((size_t)snprintf(file, sizeof file, "%s/%s", directory, entry->d_name) >= sizeof file) continue;
    // The map is not written by calls.
    if (strstr(entry->d_name, "-shm") == NULL && stat(file, &facts) == 0 && S_ISREG(facts.st_mode)) sum += facts.st_size;
  }
  closedir(entries);
  return sum;
}

static int refuses(int fd, off64_t offset, size_t length) {
  const char *directory = getenv("HOLDFAST_TEST_QUOTA_DIRECTORY");
  char link[64], file[4096], limit[4096];
  struct stat facts;
  if (directory == NULL) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t named = readlink(link, file, sizeof file - 1);
  const size_t within = strlen(directory);
  if (named < 0 || (size_t)named <= within || strncmp(file, directory, within) != 0) return 0;
  if (fstat(fd, &facts) != 0 || offset + (off64_t)length <= facts.st_size) return 0;
  if ((size_t)snprintf(limit, sizeof limit, "%s/../limit", directory) >= sizeof limit) return 0;
  FILE *told = fopen(limit, "r");
  long long most = -1;
  if (told == NULL) return 0;
  if (fscanf(told, "%lld", &most) != 1) most = -1;
  fclose(told);
  return most >= 0 && used(directory) + (offset + (off64_t)length - facts.st_size) > most;
}

__attribute__((visibility("default"))) ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  pwrite_call next;
  *(void **)&next = dlsym(RTLD_NEXT, "pwrite64");
  if (refuses(fd, offset, length)) {
    errno = EDQUOT;
    return -1;
  }
  return next(fd, bytes, length, offset);
}

__attribute__((visibility("default"))) ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
  return pwrite64(fd, bytes, length, offset);
}

__attribute__((visibility("default"))) ssize_t write(int fd, const void *bytes, size_t length) {
  write_call next;
  *(void **)&next = dlsym(RTLD_NEXT, "write");
  const off64_t offset = lseek64(fd, 0, SEEK_CUR);
  if (offset >= 0 && refuses(fd, offset, length)) {
    errno = EDQUOT;
    return -1;
  }
  return next(fd, bytes, length);
}
