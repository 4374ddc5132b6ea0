/*
 * A layer between SQLite and the kernel, for tests: loaded with LD_PRELOAD it writes
 * down, in order, whatever the process does to the files of one folder, so that the Go
 * side can work out what a disk would still hold after a power cut. It also makes
 * calls fail as a full or a broken disk does.
 *
 * What is written down is written before it is done. An end of the process in between
 * leaves a write that never happened among those that were never synced, and a sync
 * of which nobody was told.
 *
 * Nothing is really synced: the process is killed, not the machine, so the kernel
 * keeps what was written, and the time is saved.
 *
 * See doc.go for what is promised, and trace.go, which reads what is written here.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* What happened; the Go side has the same numbers. */
enum { BASE = 1, CREATE, WRITE, TRUNCATE, SYNC, LOST, UNLINK, SYNC_FOLDER };

/* Kinds of files and of calls, as bits for the control page. */
enum { DATABASE = 1, WAL = 2, SHM = 4, OTHER = 8, FOLDER = 16 };
enum { ON_WRITE = 1, ON_SYNC = 2, ON_READ = 4 };

/* record is followed by the name and then by the data. */
struct record {
	uint32_t what, name_len;
	uint64_t inode, born;
	int64_t offset, data_len;
};

/* control is a page that both sides have mapped. */
struct control {
	int64_t full;    /* whether room counts */
	int64_t room;    /* bytes by which files may still grow */
	int64_t die_in;  /* events until the process kills itself; 0: never */
	int64_t calls;   /* to break: ON_… */
	int64_t kinds;   /* of files on which they break */
	int64_t skip;    /* such calls that still succeed */
	int64_t times;   /* such calls that fail then; below 0: all */
	int64_t refused; /* calls that failed because there was no room */
	int64_t broken;  /* calls that failed as on a broken disk */
	int64_t events;
};

struct watched {
	int kind; /* 0: not ours */
	uint64_t inode, born;
	char path[PATH_MAX];
};

#define MOST 1024
static struct watched *files[MOST]; /* by file descriptor */
static const char *folder;
static size_t folder_len;
static int trace = -1;
static struct control *control;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void give_up(const char *why) {
	dprintf(2, "power: %s: %s\n", why, strerror(errno));
	abort();
}

#define NEXT(name)                                              \
	static __typeof__(&name) next;                          \
	if (!next && !(next = dlsym(RTLD_NEXT, #name))) abort()

__attribute__((constructor)) static void begin(void) {
	char path[PATH_MAX];
	const char *dir = getenv("POWERTEST_TRACE");
	folder = getenv("POWERTEST_FOLDER");
	if (!dir || !folder) {
		folder = NULL;
		return;
	}
	folder_len = strlen(folder);
	snprintf(path, sizeof path, "%s/trace", dir);
	trace = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	snprintf(path, sizeof path, "%s/control", dir);
	int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0600);
	if (trace < 0 || fd < 0)
		give_up("cannot open the trace");
	control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (control == MAP_FAILED)
		give_up("cannot map the control page");
	syscall(SYS_close, fd);
}

/* note writes one record down. It is where the process dies when its time has come. */
static void note(uint32_t what, const struct watched *w, const char *name, int64_t offset, const void *data, size_t len) {
	struct record r = {
		.what = what, .name_len = strlen(name), .inode = w ? w->inode : 0, .born = w ? w->born : 0,
		.offset = offset, .data_len = (int64_t)len,
	};
	struct iovec parts[] = {{&r, sizeof r}, {(void *)name, r.name_len}, {(void *)data, len}};
	size_t whole = sizeof r + r.name_len + len;
	if (syscall(SYS_writev, trace, parts, 3) != (ssize_t)whole)
		give_up("cannot write the trace");
	control->events++;
	if (control->die_in > 0 && --control->die_in == 0)
		syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
}

static int ours(const char *path) {
	return folder && path && strncmp(path, folder, folder_len) == 0 && (path[folder_len] == '/' || path[folder_len] == 0);
}

static int ends(const char *path, const char *end) {
	size_t n = strlen(path), m = strlen(end);
	return n >= m && strcmp(path + n - m, end) == 0;
}

static int kind_of(const char *path) {
	return ends(path, "-wal") ? WAL : ends(path, "-shm") ? SHM : ends(path, ".db") ? DATABASE : OTHER;
}

/* identify tells files apart whatever they are called; an inode may be used again. */
static int identify(int at, const char *path, int flags, uint64_t *inode, uint64_t *born) {
	struct statx x;
	if (syscall(SYS_statx, at, path, flags, STATX_INO | STATX_BTIME, &x) != 0)
		return -1;
	*inode = x.stx_ino;
	*born = (uint64_t)x.stx_btime.tv_sec * 1000000000u + x.stx_btime.tv_nsec;
	return 0;
}

static off_t size_of(int fd) {
	struct stat st;
	return fstat(fd, &st) == 0 ? st.st_size : 0;
}

/* base writes down what a file holds when it is met. */
static void base(int fd, const struct watched *w) {
	struct stat st;
	if (fstat(fd, &st) != 0)
		give_up("cannot look at a file");
	char *all = malloc(st.st_size + 1);
	if (!all || syscall(SYS_pread64, fd, all, st.st_size, 0) != st.st_size)
		give_up("cannot read a file");
	note(BASE, w, w->path, 0, all, st.st_size);
	free(all);
}

static int met(const struct watched *w) {
	for (int i = 0; i < MOST; i++)
		if (files[i] && files[i]->kind && files[i]->inode == w->inode && files[i]->born == w->born)
			return 1;
	return 0;
}

static void opened(int fd, const char *path, int created) {
	struct stat st;
	if (fd < 0)
		return;
	if (fd >= MOST || fstat(fd, &st) != 0)
		give_up("too many files");
	struct watched *w = calloc(1, sizeof *w);
	if (!w || identify(fd, "", AT_EMPTY_PATH, &w->inode, &w->born) != 0)
		give_up("cannot identify a file");
	snprintf(w->path, sizeof w->path, "%s", path);
	w->kind = S_ISDIR(st.st_mode) ? FOLDER : kind_of(path);
	int again = met(w);
	free(files[fd]);
	files[fd] = w;
	if (w->kind == FOLDER || w->kind == SHM)
		return;
	if (created)
		note(CREATE, w, path, 0, NULL, 0);
	else if (!again)
		base(fd, w);
}

/* of gives what is known of a descriptor, NULL when it is not ours. */
static struct watched *of(int fd) { return folder && fd >= 0 && fd < MOST ? files[fd] : NULL; }

/* breaks says whether this call is to fail. */
static int breaks(const struct watched *w, int call) {
	if (!(control->calls & call) || !(control->kinds & w->kind) || control->times == 0)
		return 0;
	if (control->skip > 0) {
		control->skip--;
		return 0;
	}
	if (control->times > 0)
		control->times--;
	control->broken++;
	return 1;
}

/* fits says how many of len bytes there is room for; growing is what takes room. */
static size_t fits(int fd, off_t offset, size_t len) {
	off_t grows = offset + (off_t)len - size_of(fd);
	if (!control->full || grows <= 0)
		return len;
	if (grows <= control->room) {
		control->room -= grows;
		return len;
	}
	control->refused++;
	off_t lacks = grows - control->room;
	if (lacks >= (off_t)len)
		return 0;
	control->room = 0;
	return len - lacks;
}

static void give_back(off_t bytes) {
	if (bytes > 0)
		control->room += bytes;
}

static int open_watched(int (*next)(const char *, int, ...), const char *path, int flags, mode_t mode) {
	if (!ours(path))
		return next(path, flags, mode);
	pthread_mutex_lock(&lock);
	struct stat st;
	int created = (flags & O_CREAT) && stat(path, &st) != 0;
	int fd = next(path, flags, mode);
	int why = errno;
	opened(fd, path, created);
	pthread_mutex_unlock(&lock);
	errno = why;
	return fd;
}

static mode_t mode_of(int flags, va_list rest) { return flags & O_CREAT ? va_arg(rest, mode_t) : 0; }

int open(const char *path, int flags, ...) {
	NEXT(open);
	va_list rest;
	va_start(rest, flags);
	mode_t mode = mode_of(flags, rest);
	va_end(rest);
	return open_watched(next, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
	NEXT(open64);
	va_list rest;
	va_start(rest, flags);
	mode_t mode = mode_of(flags, rest);
	va_end(rest);
	return open_watched(next, path, flags, mode);
}

int close(int fd) {
	NEXT(close);
	if (!of(fd))
		return next(fd);
	pthread_mutex_lock(&lock);
	free(files[fd]);
	files[fd] = NULL;
	int rc = next(fd);
	pthread_mutex_unlock(&lock);
	return rc;
}

/* written does a write at an offset; the descriptor's own place does not move. */
static ssize_t written(int fd, const struct watched *w, const void *data, size_t len, off_t offset) {
	if (breaks(w, ON_WRITE)) {
		errno = EIO;
		return -1;
	}
	size_t n = fits(fd, offset, len);
	if (n == 0 && len > 0) {
		errno = ENOSPC;
		return -1;
	}
	if (w->kind != SHM)
		note(WRITE, w, "", offset, data, n);
	if (syscall(SYS_pwrite64, fd, data, n, offset) != (ssize_t)n)
		give_up("cannot write a file");
	return (ssize_t)n;
}

static ssize_t pwrite_watched(ssize_t (*next)(int, const void *, size_t, off_t), int fd, const void *data, size_t len, off_t offset) {
	struct watched *w = of(fd);
	if (!w)
		return next(fd, data, len, offset);
	pthread_mutex_lock(&lock);
	ssize_t n = written(fd, w, data, len, offset);
	int why = errno;
	pthread_mutex_unlock(&lock);
	errno = why;
	return n;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset) {
	NEXT(pwrite);
	return pwrite_watched(next, fd, data, len, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t offset) {
	NEXT(pwrite64);
	return pwrite_watched(next, fd, data, len, offset);
}

ssize_t write(int fd, const void *data, size_t len) {
	NEXT(write);
	struct watched *w = of(fd);
	if (!w)
		return next(fd, data, len);
	pthread_mutex_lock(&lock);
	off_t offset = lseek(fd, 0, SEEK_CUR);
	ssize_t n = written(fd, w, data, len, offset);
	int why = errno;
	if (n > 0)
		lseek(fd, offset + n, SEEK_SET);
	pthread_mutex_unlock(&lock);
	errno = why;
	return n;
}

/* unreadable says whether a read is to fail. */
static int unreadable(int fd) {
	struct watched *w = of(fd);
	if (!w || !(control->calls & ON_READ))
		return 0;
	pthread_mutex_lock(&lock);
	int no = breaks(w, ON_READ);
	pthread_mutex_unlock(&lock);
	if (no)
		errno = EIO;
	return no;
}

ssize_t read(int fd, void *into, size_t len) {
	NEXT(read);
	return unreadable(fd) ? -1 : next(fd, into, len);
}

ssize_t pread(int fd, void *into, size_t len, off_t offset) {
	NEXT(pread);
	return unreadable(fd) ? -1 : next(fd, into, len, offset);
}

ssize_t pread64(int fd, void *into, size_t len, off64_t offset) {
	NEXT(pread64);
	return unreadable(fd) ? -1 : next(fd, into, len, offset);
}

/* synced: a sync that fails has lost what it was to save, and the next one will not
 * try it again: that is how Linux does it. */
static int synced(int (*next)(int), int fd) {
	struct watched *w = of(fd);
	if (!w)
		return next(fd);
	pthread_mutex_lock(&lock);
	int broken = breaks(w, ON_SYNC);
	if (w->kind == FOLDER) {
		if (!broken)
			note(SYNC_FOLDER, NULL, w->path, 0, NULL, 0);
	} else if (w->kind != SHM) {
		note(broken ? LOST : SYNC, w, "", 0, NULL, 0);
	}
	pthread_mutex_unlock(&lock);
	if (broken)
		errno = EIO;
	return broken ? -1 : 0;
}

int fsync(int fd) {
	NEXT(fsync);
	return synced(next, fd);
}

int fdatasync(int fd) {
	NEXT(fdatasync);
	return synced(next, fd);
}

static int truncated(int (*next)(int, off_t), int fd, off_t size) {
	struct watched *w = of(fd);
	if (!w)
		return next(fd, size);
	pthread_mutex_lock(&lock);
	int rc = 0, why = EIO;
	if (breaks(w, ON_WRITE)) {
		rc = -1;
	} else { /* growing makes a hole and takes no room */
		if (w->kind != SHM)
			note(TRUNCATE, w, "", size, NULL, 0);
		give_back(size_of(fd) - size);
		rc = next(fd, size);
		why = errno;
	}
	pthread_mutex_unlock(&lock);
	errno = why;
	return rc;
}

int ftruncate(int fd, off_t size) {
	NEXT(ftruncate);
	return truncated(next, fd, size);
}

int ftruncate64(int fd, off64_t size) {
	NEXT(ftruncate64);
	return truncated(next, fd, size);
}

int unlink(const char *path) {
	NEXT(unlink);
	if (!ours(path))
		return next(path);
	pthread_mutex_lock(&lock);
	struct watched w;
	struct stat st;
	if (stat(path, &st) == 0 && kind_of(path) != SHM && identify(AT_FDCWD, path, 0, &w.inode, &w.born) == 0)
		note(UNLINK, &w, path, 0, NULL, 0);
	off_t size = stat(path, &st) == 0 ? st.st_size : 0;
	int rc = next(path), why = errno;
	if (rc == 0)
		give_back(size);
	pthread_mutex_unlock(&lock);
	errno = why;
	return rc;
}

int rename(const char *from, const char *to) {
	NEXT(rename);
	if (ours(from) || ours(to)) { /* SQLite renames nothing */
		errno = ENOSYS;
		give_up("rename is not foreseen");
	}
	return next(from, to);
}

/* What is written through a mapping is not seen. SQLite maps its index of the WAL,
 * which it makes anew after a cut, and a database only when it is told to. */
static void *mapped(void *(*next)(void *, size_t, int, int, int, off_t), void *at, size_t len, int prot, int flags, int fd, off_t offset) {
	struct watched *w = of(fd);
	if (w && w->kind != SHM && (prot & PROT_WRITE) && (flags & MAP_SHARED)) {
		errno = ENOSYS;
		give_up("a file is written through a mapping");
	}
	return next(at, len, prot, flags, fd, offset);
}

void *mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset) {
	NEXT(mmap);
	return mapped(next, at, len, prot, flags, fd, offset);
}

void *mmap64(void *at, size_t len, int prot, int flags, int fd, off64_t offset) {
	NEXT(mmap64);
	return mapped(next, at, len, prot, flags, fd, offset);
}
