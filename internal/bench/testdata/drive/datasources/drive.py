from dify_plugin.entities.datasource import OnlineDriveBrowseFilesResponse
from dify_plugin.interfaces.datasource.online_drive import OnlineDriveDatasource

BLOCK = bytes(range(256)) * 256
LARGEST_INLINE = 3_900_000  # as much as fits into one line


class Drive(OnlineDriveDatasource):
    """A file's id is its size in bytes."""

    def _browse_files(self, request):
        return OnlineDriveBrowseFilesResponse(result=[])

    def _download_file(self, request):
        size = int(request.id)
        content = (BLOCK * (size // len(BLOCK) + 1))[:size]
        name, mime_type = request.id + ".bin", "application/octet-stream"
        if size <= LARGEST_INLINE:
            yield self.create_blob_message(content, meta={"file_name": name, "mime_type": mime_type})
        else:
            stored = self.session.file.upload(name, content, mime_type)
            yield self.create_text_message(stored.id)
