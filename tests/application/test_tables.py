"""Layer tables: shapes by hand, published sizes of the shipped networks, and refusals."""

from __future__ import annotations

import pytest

from chipdse.application.layers import Convolution, Layer, Network
from chipdse.application.tables import read_network, read_table, same_padding, shipped_networks
from chipdse.errors import DesignError


def read(text: str) -> tuple[Layer, ...]:
    return read_table(text, "net", "net.csv").layers


def shape(layer: Layer) -> tuple[int, int, int, int]:
    return layer.m, layer.n, layer.k, layer.count


def test_gemms_with_the_final_comma_of_scalesim() -> None:
    (layer, other) = read("Layer,M,N,K,\ng0,4,5,32,\n\ng1, 1,128,256,\n")
    assert (layer.name, *shape(layer)) == ("g0", 4, 5, 32, 1)
    assert shape(other) == (1, 128, 256, 1)


def test_convolution_by_hand() -> None:
    header = (
        "Layer name,IFMAP Height,IFMAP Width,Filter Height,Filter Width,Channels,Num Filter,Strides"
    )
    (layer,) = read(f"{header}\nconv1,224,224,7,7,3,64,2\n")
    # SCALE-Sim rounds up: (224 - 7) / 2 + 1 = 109.5, so 110 rows and columns; 7 * 7 * 3 = 147.
    assert shape(layer) == (110 * 110, 64, 147, 1)
    ours = "name,input_height,input_width,kernel_height,kernel_width,channels,filters,stride"
    (layer,) = read(f"{ours}\nconv1,224,224,7,7,3,64,2\n")
    assert shape(layer) == (109 * 109, 64, 147, 1)


def test_padding_and_stride_by_hand() -> None:
    header = (
        "name,input_height,input_width,channels,filters,kernel_height,kernel_width,stride,padding"
    )
    same, sides, oblong = read(
        f"{header}\na,49,10,1,64,10,4,2,same\nb,32,32,3,8,3,3,2,1\nc,9,8,1,1,3,1,2x1,1x0\n"
    )
    assert shape(same) == (25 * 5, 64, 40, 1)
    assert shape(sides) == (16 * 16, 8, 27, 1)
    assert shape(oblong) == (5 * 8, 1, 3, 1)


def test_depthwise_is_one_product_per_channel() -> None:
    header = "name,kind,input_height,input_width,channels,kernel_height,kernel_width,padding"
    (layer,) = read(f"{header}\nd,depthwise,8,8,16,3,3,1\n")
    assert shape(layer) == (64, 1, 9, 16)
    assert layer.macs == 64 * 9 * 16


def test_words_that_a_convolution_reads() -> None:
    def used(**more: object) -> tuple[int, int]:
        sizes = {"input": (8, 8), "kernel": (3, 3), "channels": 1, "filters": 1}
        window = Convolution(name="c", **(sizes | more)).layer().window  # type: ignore[arg-type]
        assert window is not None
        return window.used_rows, window.used_columns

    assert used() == (8, 8)
    assert used(stride=(2, 2)) == (7, 7)  # outputs at 0, 2, 4 read 0 to 6
    assert used(kernel=(1, 1), stride=(2, 2)) == (4, 4)  # every other row is never read
    assert used(dilation=(2, 2), kernel=(2, 2), stride=(4, 4)) == (4, 4)  # 0, 2, 4, 6
    assert used(padding=(1, 1, 1, 1)) == (8, 8)  # the padding is not read


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "expected"),
    [(8, 3, 1, (1, 1)), (8, 3, 2, (0, 1)), (49, 10, 2, (4, 5)), (5, 1, 2, (0, 0))],
)
def test_same_padding_by_hand(
    size: int, kernel: int, stride: int, expected: tuple[int, int]
) -> None:
    padding = same_padding((size, 1), (kernel, 1), (stride, 1), (1, 1))
    assert (padding[0], padding[2]) == expected
    swapped = same_padding((size, 1), (kernel, 1), (stride, 1), (1, 1), larger_last=False)
    assert (swapped[0], swapped[2]) == expected[::-1]


def weights(network: Network) -> int:
    """Weights without biases and batch normalisation."""
    return sum(
        layer.n * layer.k * layer.count for layer in network.layers if layer.kind != "matmul"
    )


# MACs and weights as published: MLPerf Tiny (Banbury et al. 2021) for the small ones, torchvision's
# tables for ResNets (1.81 and 4.09 GMACs), Touvron et al. 2021 for ViT-S (DeiT-S, 4.6 GMACs, 22 M).
@pytest.mark.parametrize(
    ("name", "macs", "parameters"),
    [
        ("resnet8", 12.5e6, 78e3),
        ("mobilenet_v1_025", 7.49e6, 221e3),
        ("ds_cnn", 2.66e6, 24e3),
        ("autoencoder", 0.264e6, 270e3),
        ("resnet18", 1.814e9, 11.69e6),
        ("resnet50", 4.09e9, 25.56e6),
        ("vit_s", 4.6e9, 22e6),
    ],
)
def test_shipped_networks_have_the_published_size(
    name: str, macs: float, parameters: float
) -> None:
    network = read_network(name)
    assert network.macs == pytest.approx(macs, rel=0.01)
    assert weights(network) == pytest.approx(parameters, rel=0.1)


def test_all_shipped_networks_can_be_read() -> None:
    assert {"decoder_decode", "decoder_prefill"} <= set(shipped_networks())
    for name in shipped_networks():
        assert read_network(name).macs > 0


def test_batch_shares_weights_but_not_activations() -> None:
    conv = Convolution(name="c", input=(8, 8), kernel=(3, 3), channels=2, filters=4).layer()
    assert shape(conv.batched(3)) == (3 * 36, 4, 18, 1)
    assert shape(Layer(name="g", kind="gemm", m=2, n=3, k=4).batched(3)) == (6, 3, 4, 1)
    assert shape(Layer(name="s", kind="matmul", m=2, n=3, k=4).batched(3)) == (2, 3, 4, 3)


CONV = "name,input_height,input_width,channels,filters,kernel_height,kernel_width,stride,groups"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "net.csv has no layers"),
        ("m,n,k\n", "net.csv has no layers"),
        ("m,n\n1,2\n", "needs the columns m, n, k"),
        ("m,n,k,x\n1,2,3,4\n", "column 'x' is unknown"),
        ("m,n,k,k\n1,2,3,4\n", "column 'k' is there twice"),
        ("m,n,k\n1,2\n", "line 2: a layer of kind gemm needs k"),
        ("m,n,k\n1,2,3,4\n", "line 2 has 4 cells for 3 columns"),
        ("m,n,k\n1,0,3\n", "line 2: n='0' is not a whole number above 0"),
        ("m,n,k\n1,2.5,3\n", "n='2.5' is not a whole number"),
        ("m,n,k\n1,-2,3\n", "n='-2' is not a whole number"),
        ("m,n,k\n1,nan,3\n", "n='nan' is not a whole number"),
        ("m,n,k\n1,2,99999999999\n", "k=99999999999 must lie between 1"),
        ("m,n,k\n999999999,999999999,3\n", "use fewer than 2^53"),
        ("kind,m,n,k\nlstm,1,2,3\n", "kind 'lstm' is unknown; use one of gemm"),
        (f"{CONV}\na,4,4,1,1,5,1,1,1\n", "a kernel of height 5"),
        (f"{CONV}\na,4,4,3,4,1,1,1,2\n", "channels=3 is no multiple of groups=2"),
        (f"{CONV}\na,4,4,1,1,1,1,0,1\n", "stride='0' is not a whole number above 0"),
        (f"{CONV}\na,4,4,,1,1,1,1,1\n", "a layer of kind conv needs channels"),
    ],
)
def test_mistakes_are_one_line(text: str, message: str) -> None:
    with pytest.raises(DesignError) as error:
        read(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_unknown_network_names_the_shipped_ones() -> None:
    with pytest.raises(DesignError, match="network 'resnet9' is unknown.*resnet8"):
        read_network("resnet9")
