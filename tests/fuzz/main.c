/* SPDX-License-Identifier: BSD-3-Clause */
/* Replays files, or all files of folders, through a fuzz target without libFuzzer: `make
 * check-fuzz`. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long replayed;

static int replay_file(const char *path, size_t size)
{
	uint8_t *data = malloc(size ? size : 1);
	FILE *file = fopen(path, "rb");

	if (!data || !file || fread(data, 1, size, file) != size) {
		fprintf(stderr, "%s: cannot be read\n", path);
		return 1;
	}
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	replayed++;
	return 0;
}

static int replay(const char *path)
{
	struct dirent *entry;
	struct stat status;
	char child[4096];
	int failed = 0;
	DIR *folder;

	if (stat(path, &status) < 0)
		return 0; /* a target may have no such folder yet */
	if (!S_ISDIR(status.st_mode))
		return replay_file(path, (size_t)status.st_size);
	folder = opendir(path);
	while (folder && (entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(child, sizeof(child), "%s/%s", path, entry->d_name);
		failed |= replay(child);
	}
	if (folder)
		closedir(folder);
	return failed;
}

int main(int argc, char **argv)
{
	const char *name = strstr(argv[0], "replay_");
	char path[512];
	int failed = 0;

	if (argc > 1) {
		for (int i = 1; i < argc; i++)
			failed |= replay(argv[i]);
		return failed;
	}
	name = name ? name + strlen("replay_") : argv[0];
	snprintf(path, sizeof(path), "tests/fuzz/corpus/%s", name);
	failed |= replay(path);
	snprintf(path, sizeof(path), "tests/fuzz/repro/%s", name);
	failed |= replay(path);
	printf("%sok 1 - %s: %lu inputs\n1..1\n", failed || !replayed ? "not " : "", name,
	       replayed);
	return failed || !replayed;
}
