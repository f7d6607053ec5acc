import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    """The models here are so small that a second thread costs 200 times more than it saves."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)
