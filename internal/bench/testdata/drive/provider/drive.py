from dify_plugin.interfaces.datasource import DatasourceProvider


class DriveProvider(DatasourceProvider):
    def _validate_credentials(self, credentials):
        pass
