"""The operations that a SavedModel may contain: those that compute, and nothing else.

A SavedModel is a program. TensorFlow knows some 1,900 operations, of which many read and write
files, open connections, call Python or end the process, in forms that no list of bad ones would
exhaust. Those below only turn tensors into tensors. An ordinary model uses a few dozen of them.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_COMPUTING = """
# Constants, variables and shapes.
Const Placeholder PlaceholderWithDefault PlaceholderV2 NoOp Identity IdentityN StopGradient
PreventGradient Snapshot EnsureShape CheckNumerics CheckNumericsV2 Assert VarHandleOp
ReadVariableOp AssignVariableOp VarIsInitializedOp IsVariableInitialized DisableCopyOnRead
VariableV2 Variable Assign AssignAddVariableOp AssignSubVariableOp ResourceGather ResourceGatherNd
Shape ShapeN Size Rank Reshape Squeeze ExpandDims Fill Range LinSpace ZerosLike OnesLike
BroadcastTo BroadcastArgs BroadcastGradientArgs Tile Transpose ConjugateTranspose ReverseV2
Reverse ReverseSequence Roll Slice StridedSlice Concat ConcatV2 ConcatOffset Pack Unpack
ParallelConcat Split SplitV Pad PadV2 MirrorPad Gather GatherV2 GatherNd ScatterNd
TensorScatterUpdate TensorScatterAdd TensorScatterSub TensorScatterMax TensorScatterMin
TensorStridedSliceUpdate DynamicPartition DynamicStitch ParallelDynamicStitch Where Select
SelectV2 OneHot Unique UniqueV2 UniqueWithCounts UniqueWithCountsV2 InvertPermutation UnravelIndex
ListDiff Bitcast Cast Diag DiagPart MatrixDiag MatrixDiagV2 MatrixDiagV3 MatrixDiagPart
MatrixDiagPartV2 MatrixDiagPartV3 MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 MatrixBandPart
SpaceToDepth DepthToSpace SpaceToBatch SpaceToBatchND BatchToSpace BatchToSpaceND
# Arithmetic, comparisons and activations.
Add AddV2 AddN AccumulateNV2 Sub Mul MulNoNan Div DivNoNan RealDiv FloorDiv TruncateDiv FloorMod
Mod TruncateMod Xdivy Xlogy Xlog1py Pow Square SquaredDifference Sqrt Rsqrt Reciprocal Inv Neg Abs
Sign Exp Expm1 Log Log1p Sin Cos Tan Asin Acos Atan Atan2 Sinh Cosh Tanh Asinh Acosh Atanh Erf
Erfc Erfinv Ndtri Lgamma Digamma Igamma Igammac Zeta Polygamma Betainc BesselI0e BesselI1e
BesselI0 BesselI1 Ceil Floor Round Rint Maximum Minimum ClipByValue Equal NotEqual Less LessEqual
Greater GreaterEqual ApproximateEqual LogicalAnd LogicalOr LogicalNot IsNan IsInf IsFinite
BitwiseAnd BitwiseOr BitwiseXor Invert LeftShift RightShift PopulationCount NextAfter Complex Real
Imag Conj Angle ComplexAbs Relu Relu6 LeakyRelu Elu Selu Sigmoid Softplus Softsign Softmax
LogSoftmax L2Loss
# Reductions, searches and products.
Sum Mean Prod Max Min All Any EuclideanNorm ArgMax ArgMin Cumsum Cumprod CumulativeLogsumexp TopK
TopKV2 ApproxTopK NthElement InTopK InTopKV2 Bincount DenseBincount Bucketize HistogramFixedWidth
SegmentSum SegmentMean SegmentProd SegmentMax SegmentMin SegmentSumV2 SegmentProdV2 SegmentMaxV2
SegmentMinV2 UnsortedSegmentSum UnsortedSegmentProd UnsortedSegmentMax UnsortedSegmentMin
LowerBound UpperBound MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3 Einsum Cross Cholesky Qr Svd
Lu SelfAdjointEigV2 Eig MatrixInverse MatrixDeterminant LogMatrixDeterminant MatrixSolve
MatrixSolveLs MatrixTriangularSolve MatrixSquareRoot MatrixExponential MatrixLogarithm
BandedTriangularSolve TridiagonalSolve TridiagonalMatMul FFT IFFT FFT2D IFFT2D FFT3D IFFT3D RFFT
IRFFT RFFT2D IRFFT2D RFFT3D IRFFT3D FFTND IFFTND RFFTND IRFFTND
# Convolutions, pooling, normalisation and images.
Conv Conv2D Conv3D DepthwiseConv2dNative Conv2DBackpropInput Conv2DBackpropInputV2
Conv3DBackpropInput Conv3DBackpropInputV2 DepthwiseConv2dNativeBackpropInput Dilation2D
FusedPadConv2D FusedResizeAndPadConv2D _FusedConv2D _FusedMatMul _FusedBatchNormEx BiasAdd
BiasAddV1 MaxPool MaxPoolV2 MaxPool3D MaxPoolWithArgmax AvgPool AvgPool3D FractionalMaxPool
FractionalAvgPool FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3
BatchNormWithGlobalNormalization LRN ResizeBilinear ResizeBicubic ResizeNearestNeighbor ResizeArea
ScaleAndTranslate CropAndResize ExtractImagePatches ExtractVolumePatches ExtractGlimpse
ExtractGlimpseV2 ImageProjectiveTransformV2 ImageProjectiveTransformV3 AdjustContrast
AdjustContrastv2 AdjustHue AdjustSaturation RGBToHSV HSVToRGB DrawBoundingBoxes
DrawBoundingBoxesV2 NonMaxSuppression NonMaxSuppressionV2 NonMaxSuppressionV3 NonMaxSuppressionV4
NonMaxSuppressionV5 NonMaxSuppressionWithOverlaps CombinedNonMaxSuppression
GenerateBoundingBoxProposals DataFormatDimMap DataFormatVecPermute
# Quantised numbers.
FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel QuantizeV2
QuantizeAndDequantize QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4
QuantizeDownAndShrinkRange Dequantize Requantize RequantizationRange QuantizedConv2D
QuantizedMatMul QuantizedBiasAdd QuantizedRelu QuantizedRelu6 QuantizedMaxPool QuantizedAvgPool
QuantizedConcat QuantizedReshape QuantizedAdd QuantizedMul UniformQuantize UniformDequantize
UniformRequantize UniformQuantizedDot UniformQuantizedDotHybrid UniformQuantizedConvolution
UniformQuantizedConvolutionHybrid UniformQuantizedAdd UniformQuantizedClipByValue
# Control flow, and the lists that loops keep.
PartitionedCall StatefulPartitionedCall If StatelessIf Case StatelessCase While StatelessWhile For
Switch Merge Enter Exit NextIteration LoopCond ControlTrigger SymbolicGradient FakeParam
TensorListReserve EmptyTensorList TensorListFromTensor TensorListSetItem TensorListGetItem
TensorListStack TensorListLength TensorListElementShape TensorListPushBack TensorListPopBack
TensorListResize TensorListGather TensorListScatterV2 TensorListConcatV2 TensorListSplit
TensorArrayV3 TensorArraySizeV3 TensorArrayWriteV3 TensorArrayReadV3 TensorArrayGatherV3
TensorArrayScatterV3 TensorArrayConcatV3 TensorArraySplitV3 TensorArrayCloseV3
# Random numbers.
RandomUniform RandomUniformInt RandomStandardNormal TruncatedNormal RandomShuffle Multinomial
StatelessRandomUniform StatelessRandomUniformV2 StatelessRandomUniformInt
StatelessRandomUniformIntV2 StatelessRandomUniformFullInt StatelessRandomUniformFullIntV2
StatelessRandomNormal StatelessRandomNormalV2 StatelessTruncatedNormal StatelessTruncatedNormalV2
StatelessMultinomial StatelessShuffle StatelessRandomGetAlg StatelessRandomGetKeyCounter
StatelessRandomGetKeyCounterAlg StatelessSampleDistortedBoundingBox StatefulUniform
StatefulUniformInt StatefulUniformFullInt StatefulStandardNormalV2 StatefulTruncatedNormal RngSkip
RngReadAndSkip StatefulRandomBinomial
# Names of classes: texts and tables that are filled from constants.
AsString StringJoin StringFormat StringLength StringLower StringUpper StringStrip Substr
StaticRegexFullMatch StaticRegexReplace StringToHashBucketFast HashTable HashTableV2
AnonymousHashTable MutableHashTableV2 InitializeTable InitializeTableV2 LookupTableFind
LookupTableFindV2 LookupTableImportV2 LookupTableSize LookupTableSizeV2
"""

ALLOWED = frozenset(
    operation
    for line in _COMPUTING.splitlines()
    if not line.startswith("#")
    for operation in line.split()
)
"""The types of operations that only turn tensors into tensors."""

CHECKPOINT = frozenset(["SaveV2", "RestoreV2", "MergeV2Checkpoints", "ShardedFilename"])
"""Those by which a SavedModel saves and restores its own variables, and only its saver may do so:
nothing that is called runs them, and loading runs at most a restoring from the model's own file."""


def refused(saved_model: Any) -> list[str]:
    """Return the types of operations for which a SavedModel must not be loaded, sorted.

    Every operation of every graph and function is looked at, whether or not anything calls it.

    Args:
        saved_model: A `SavedModel` protocol buffer.
    """
    found: set[str] = set()
    for meta in saved_model.meta_graphs:
        found |= _refused(meta)
    return sorted(found)


def _refused(meta: Any) -> set[str]:
    nodes = {node.name: node for node in meta.graph_def.node}
    functions = {f.signature.name: f for f in meta.graph_def.library.function}
    saver = _saver(meta.saver_def, nodes)
    called = _before(_called(meta), nodes)
    # Functions that only the saver's own calls refer to.
    other = [node for name, node in nodes.items() if name not in saver or name in called]
    inner = [node for function in functions.values() for node in function.node_def]
    elsewhere = {f for node in (*other, *inner) for f in _functions(node, functions)}
    elsewhere |= {*meta.object_graph_def.concrete_functions}
    own = {f for name in saver for f in _functions(nodes[name], functions)} - elsewhere
    found = set()
    for name, node in nodes.items():
        allowed = node.op in ALLOWED or node.op in functions
        checkpoint = node.op in CHECKPOINT and name in saver and name not in called
        if node.op.startswith("Restore"):
            file = meta.saver_def.filename_tensor_name.partition(":")[0]
            checkpoint = checkpoint and _source(node.input[0]) == file
        if not allowed and not checkpoint:
            found.add(node.op)
    for name, function in functions.items():
        known = ALLOWED | CHECKPOINT if name in own else ALLOWED
        found |= {n.op for n in function.node_def if n.op not in known and n.op not in functions}
    return found


def _saver(saver: Any, nodes: Mapping[str, Any]) -> set[str]:
    """Return the names of the nodes with which a SavedModel saves and restores its variables."""
    return _before((saver.save_tensor_name, saver.restore_op_name), nodes)


def _called(meta: Any) -> Iterator[str]:
    """Yield the tensors and operations that loading or calling a signature computes."""
    for signature in meta.signature_def.values():
        for output in signature.outputs.values():
            yield output.name
    for key in ("saved_model_main_op", "legacy_init_op"):
        yield from meta.collection_def[key].node_list.value if key in meta.collection_def else ()


def _before(names: Iterable[str], nodes: Mapping[str, Any]) -> set[str]:
    """Return the names of operations, and of all whose outputs they depend on."""
    waiting, found = [_source(name) for name in names], set()
    while waiting:
        name = waiting.pop()
        if name in nodes and name not in found:
            found.add(name)
            waiting += [_source(tensor) for tensor in nodes[name].input]
    return found


def _source(tensor: str) -> str:
    """Return the name of the operation of a tensor or a control dependency."""
    return tensor.removeprefix("^").partition(":")[0]


def _functions(node: Any, functions: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the functions that an operation calls."""
    if node.op in functions:
        yield node.op
    for attribute in node.attr.values():
        if attribute.func.name:
            yield attribute.func.name
        yield from (function.name for function in attribute.list.func)
