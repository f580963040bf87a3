/*
 * floor_nothing: what it costs to start a C program. The floor for a run on one file.
 */
int main(void)
{
	return 0;
}
