"""The operations that a SavedModel may contain: those that compute, and nothing else.

A SavedModel is a program. TensorFlow knows some 1,900 operations, of which many read and write
files, open connections, call Python or end the process, in forms that no list of bad ones would
exhaust. Those below only turn tensors into tensors. An ordinary model uses a few dozen of them.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tensorflow.core.framework import variable_pb2

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
"""Those by which a SavedModel saves and restores its own variables.

Loading may run what restores, which may only be RestoreV2 of the file that it is given. What saves
is never run, and nothing that is loaded or called may depend on it.
"""


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
    called = _before(_called(meta), nodes)
    restoring = _before([meta.saver_def.restore_op_name], nodes) - called
    saving = _before([meta.saver_def.save_tensor_name], nodes) - called - restoring
    named = _named_functions(meta)  # by what is loaded, apart from calls in the graph
    callers = {
        key: {f for name in names for f in _functions(nodes[name], functions)}
        for key, names in {
            "saving": saving,
            "restoring": restoring,
            "others": set(nodes) - saving - restoring,
        }.items()
    }
    inner = {
        f for body in functions.values() for n in body.node_def for f in _functions(n, functions)
    }
    elsewhere = callers["others"] | inner | named
    only_saving = callers["saving"] - callers["restoring"] - elsewhere
    only_restoring = callers["restoring"] - callers["saving"] - elsewhere
    file = _source(meta.saver_def.filename_tensor_name)
    found = set()
    for name, node in nodes.items():
        own = node.op == "RestoreV2" and name in restoring and _source(node.input[0]) == file
        own |= node.op in CHECKPOINT and name in saving
        if node.op not in ALLOWED and node.op not in functions and not own:
            found.add(node.op)
    for name, function in functions.items():
        free = "api_implements" not in function.attr  # which may be swapped for another
        files: set[str] = set()
        if name in only_restoring and free:
            files = _arguments_of_file(function, restoring, nodes, file, functions)
        for node in function.node_def:
            own = name in only_saving and free and node.op in CHECKPOINT
            own |= node.op == "RestoreV2" and bool(node.input) and node.input[0] in files
            if node.op not in ALLOWED and node.op not in functions and not own:
                found.add(node.op)
    return found


def _arguments_of_file(
    function: Any,
    restoring: Iterable[str],
    nodes: Mapping[str, Any],
    file: str,
    functions: Mapping[str, Any],
) -> set[str]:
    """Return the arguments of a function that are the saver's own file in all of its calls."""
    calls = [
        node
        for node in (nodes[name] for name in restoring)
        if function.signature.name in set(_functions(node, functions))
    ]
    return {
        argument.name
        for k, argument in enumerate(function.signature.input_arg)
        if all(k < len(call.input) and _source(call.input[k]) == file for call in calls)
    }


def _called(meta: Any) -> Iterator[str]:
    """Yield the tensors and operations that loading or calling a signature may compute."""
    for signature in meta.signature_def.values():
        for tensor in (*signature.outputs.values(), *signature.inputs.values()):
            yield from _tensors(tensor)
    for collection in meta.collection_def.values():
        yield from collection.node_list.value
        for content in collection.bytes_list.value:
            variable = variable_pb2.VariableDef()
            try:
                variable.ParseFromString(content)
            except Exception:  # a collection of something else
                continue
            yield from (variable.initializer_name, variable.snapshot_name)
            yield from (variable.initial_value_name, variable.variable_name)


def _tensors(info: Any) -> Iterator[str]:
    """Yield the tensors of an input or output, which may consist of several."""
    sparse = info.coo_sparse
    yield from (info.name, sparse.values_tensor_name, sparse.indices_tensor_name)
    yield sparse.dense_shape_tensor_name
    for component in info.composite_tensor.components:
        yield from _tensors(component)


def _named_functions(meta: Any) -> set[str]:
    """Return the functions that objects and gradients refer to by name."""
    graph, library = meta.object_graph_def, meta.graph_def.library
    found = {*graph.concrete_functions}
    for node in graph.nodes:
        found |= {*node.function.concrete_functions}
        found.add(node.bare_concrete_function.concrete_function_name)
        found.add(node.captured_tensor.concrete_function)
    for gradient in library.gradient:
        found |= {gradient.function_name, gradient.gradient_func}
    return found | {gradient.gradient_func for gradient in library.registered_gradients}


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
    yield from _in_attributes(node.attr)


def _in_attributes(attributes: Mapping[str, Any]) -> Iterator[str]:
    for attribute in attributes.values():
        for function in (attribute.func, *attribute.list.func):
            if function.name:
                yield function.name
                yield from _in_attributes(function.attr)
